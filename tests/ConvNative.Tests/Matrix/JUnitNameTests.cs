using System.Xml.Linq;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;

namespace ConvNative.Tests.Matrix;

/// <summary>Names in JUnit are what they were, or spelled where XML cannot hold them: two cells never get one name.</summary>
[TestClass]
public sealed class JUnitNameTests
{
    [TestMethod]
    public void NamesStayWhatTheyAreAndDifferent()
    {
        string[] names = ["😀", "😁", "plain", "é漢", "a\u0001", "a\u0002", "\ud83d", "\ude00", "x\ud83d😀", "\ufffe", "tab\tand\nline"];
        using var bytes = new MemoryStream();
        JUnitWriter.Write(bytes, new MatrixReport
        {
            Created = DateTime.UnixEpoch,
            Complete = true,
            Machines = [],
            Backends = [],
            Totals = new Totals(names.Length, 0, 0, 0, 0, 0),
            Cells = [.. names.Select(n => new CellResult { Suite = "s", Name = n, Problem = "p", Backend = "b", Status = CellStatus.Fail, Message = n })],
        });
        bytes.Position = 0;
        XElement[] cases = [.. XDocument.Load(bytes).Descendants("testcase")];
        string[] read = [.. cases.Select(c => c.Attribute("name")!.Value)];
        Assert.AreEqual(names.Length, read.Distinct().Count(), string.Join('|', read));
        foreach (int i in (int[])[0, 1, 2, 3, 10]) Assert.AreEqual($"{names[i]} p", read[i]);
        Assert.AreEqual(@"a\u0001 p", read[4]);
        Assert.AreEqual(@"\ud83d p", read[6]);
        Assert.AreEqual(@"x\ud83d😀 p", read[8]);
        StringAssert.Contains(cases[1].Element("failure")!.Value, "😁");
    }
}
