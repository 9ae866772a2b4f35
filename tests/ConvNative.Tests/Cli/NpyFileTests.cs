using System.Text;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class NpyFileTests
{
    private static byte[] File(int version, string header, params byte[] data)
    {
        byte[] text = (version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetBytes(header);
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. text, .. data];
    }

    [TestMethod]
    [DataRow(NpyType.F8)]
    [DataRow(NpyType.F4)]
    [DataRow(NpyType.F2)]
    [DataRow(NpyType.I1)]
    [DataRow(NpyType.U1)]
    [DataRow(NpyType.I4)]
    [DataRow(NpyType.I8)]
    [DataRow(NpyType.U2)]
    [DataRow(NpyType.V2)]
    public void What_is_written_is_read(NpyType type)
    {
        using var host = new CliHost();
        foreach (Dims shape in (Dims[])[[2, 3], [5], [], [0, 3], [1, 2, 3, 2, 1]])
        {
            var data = new byte[shape.Product * type.SizeOf()];
            for (int i = 0; i < data.Length; i++) data[i] = (byte)((i * 37) + 11);
            NpyFile.Write(host.At("a.npy"), new NpyArray(type, shape, data));
            NpyArray read = NpyFile.Read(host.At("a.npy"));
            Assert.AreEqual(type, read.Type);
            Assert.AreEqual(shape, read.Shape);
            CollectionAssert.AreEqual(data, read.Data);
            Assert.AreEqual(0, NpyFile.Header(type, shape).Length % 64);
        }
    }

    [TestMethod]
    public void A_header_is_what_NumPy_writes()
    {
        // numpy.save of zeros((2, 3), '<f4'): 128 bytes in old versions, 64-aligned in all.
        string text = Encoding.ASCII.GetString(NpyFile.Header(NpyType.F4, [2, 3]).AsSpan(10));
        Assert.AreEqual("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", text.TrimEnd());
        Assert.EndsWith("\n", text);
        StringAssert.Contains(Encoding.ASCII.GetString(NpyFile.Header(NpyType.U1, [7])), "'descr': '|u1', 'fortran_order': False, 'shape': (7,), }");
    }

    [TestMethod]
    [DataRow(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n")]
    [DataRow(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }   \n")]
    [DataRow(3, "{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"<f4\"}")]
    [DataRow(1, "{ 'fortran_order' : True , 'descr' : '=f4' , 'shape' : ( 2 ) }")]
    public void Every_version_and_spelling_is_read(int version, string header)
    {
        NpyArray a = NpyFile.Parse(File(version, header, 0, 0, 128, 63, 0, 0, 0, 192));
        Assert.AreEqual(Dims.Create([2]), a.Shape);
        Assert.AreEqual(1f, BitConverter.ToSingle(a.Data, 0));
        Assert.AreEqual(-2f, BitConverter.ToSingle(a.Data, 4));
    }

    /// <summary>As <c>numpy.dtype</c> takes it: without an order, with this machine's, by letter and by name.</summary>
    [TestMethod]
    [DataRow(NpyType.F8, "f8", "=f8", "|f8", "d", "<d", "float64", "double")]
    [DataRow(NpyType.F4, "f4", "=f4", "|f4", "f", "<f", "float32", "single")]
    [DataRow(NpyType.F2, "f2", "=f2", "e", "<e", "float16", "half")]
    [DataRow(NpyType.I1, "i1", "<i1", ">i1", "=i1", "b", "int8")]
    [DataRow(NpyType.U1, "u1", "<u1", ">u1", "B", "uint8")]
    [DataRow(NpyType.I4, "i4", "=i4", "i", "int32")]
    [DataRow(NpyType.I8, "i8", "=i8", "q", "int64")]
    [DataRow(NpyType.U2, "u2", "=u2", "H", "uint16")]
    [DataRow(NpyType.V2, "V2", "<V2", ">V2", "=V2")]
    public void A_type_in_every_spelling(NpyType type, params string[] spellings)
    {
        foreach (string descr in spellings)
        {
            Assert.IsTrue(NpyTypes.TryParse(descr, out NpyType read, out bool bigEndian), descr);
            Assert.AreEqual(type, read, descr);
            Assert.IsFalse(bigEndian, descr);
        }

        foreach (string descr in (string[])["", "<", "=", "f3", "f44", "?", "c8", "U1", "S4", "<<f4", "F4", "l"]) Assert.IsFalse(NpyTypes.TryParse(descr, out _, out _), descr);
        Assert.IsTrue(NpyTypes.TryParse(">f4", out _, out bool swapped) && swapped);
    }

    [TestMethod]
    public void Fortran_order_and_big_endian_are_converted()
    {
        // [[1,2,3],[4,5,6]] column by column, and big endian.
        NpyArray a = NpyFile.Parse(File(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 1, 4, 2, 5, 3, 6));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3, 4, 5, 6 }, a.Data);
        NpyArray b = NpyFile.Parse(File(1, "{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", 0, 0, 1, 2, 255, 255, 255, 254));
        Assert.AreEqual(258, BitConverter.ToInt32(b.Data, 0));
        Assert.AreEqual(-2, BitConverter.ToInt32(b.Data, 4));
    }

    [TestMethod]
    [DataRow("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "descr = <c8")]
    [DataRow("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "descr = |O")]
    [DataRow("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "quoted string")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "needs exactly 12")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "needs exactly 4")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "a size")]
    [DataRow("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", "True or False")]
    [DataRow("{'descr': '<f4', 'fortran_order': False}", "shape is missing")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 'x'}", "header key = more")]
    [DataRow("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "header key = descr")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", "too large")]
    public void Other_files_are_refused_with_the_reason(string header, string expected)
    {
        var e = Assert.ThrowsExactly<NpyException>(() => NpyFile.Parse(File(1, header, 0, 0, 128, 63, 0, 0, 0, 192)));
        StringAssert.Contains(e.Message, expected);
    }

    [TestMethod]
    public void Truncated_files_are_refused()
    {
        byte[] whole = File(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 0, 0, 128, 63, 0, 0, 0, 192);
        for (int n = 0; n < whole.Length; n++) Assert.ThrowsExactly<NpyException>(() => NpyFile.Parse(whole.AsSpan(0, n)), $"{n} bytes");
        whole[6] = 4;
        StringAssert.Contains(Assert.ThrowsExactly<NpyException>(() => NpyFile.Parse(whole)).Message, "version = 4");
    }

    [TestMethod]
    public void Halves_round_once_to_nearest_even()
    {
        // Halfway cases of bf16: 1 + 2^-8 goes to even (1), 1 + 3*2^-8 up; a hair above halfway goes up even when f32 cannot show it.
        double hair = 1 + Math.ScaleB(1, -8) + Math.ScaleB(1, -40);
        double[] values = [1 + Math.ScaleB(1, -8), 1 + (3 * Math.ScaleB(1, -8)), hair, -hair, double.NaN, double.NegativeInfinity, -0.0, 3.39e38, Math.ScaleB(1, -133)];
        double[] expected = [1, 1 + Math.ScaleB(1, -6), 1 + Math.ScaleB(1, -7), -1 - Math.ScaleB(1, -7), double.NaN, double.NegativeInfinity, -0.0, 3.3895313892515355e38, Math.ScaleB(1, -133)];
        double[] round = Numbers.ToDoubles(Numbers.FromDoubles(values, DataType.BF16), DataType.BF16);
        CollectionAssert.AreEqual(expected, round);
        Assert.IsTrue(double.IsNegative(round[6]));
        CollectionAssert.AreEqual(new double[] { 2, 4, -128, 127, 0 }, Numbers.ToDoubles(Numbers.FromDoubles([2.5, 3.5, -300, 300, double.NaN], DataType.S8), DataType.S8));
    }
}
