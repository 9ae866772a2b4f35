// The targets of the build; ./build.sh runs this file with the Cake that .config/dotnet-tools.json pins.

using System.Xml.Linq;

var target = Argument("target", "Default");
var configuration = Argument("configuration", "Release");
var toolArguments = EnvironmentVariable("CONVNATIVE_TOOL_ARGS", "");

var artifacts = MakeAbsolute(Directory("./artifacts"));
var testResults = artifacts.Combine("test-results");
var required = EnvironmentVariable("CONVNATIVE_REQUIRE", "").Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries);

// Standard streams are inherited, so that the tool sees the terminal and draws its progress on it.
void Run(string program, string arguments)
{
    var code = StartProcess(program, new ProcessSettings { Arguments = arguments });
    if (code != 0)
        throw new CakeException(code, $"'{program} {arguments}' ended with exit code {code}.");
}

string Tool() => artifacts.CombineWithFilePath($"bin/ConvNative.Cli/{configuration.ToLowerInvariant()}/ConvNative.Cli.dll").FullPath;

Task("Clean")
    .Does(() => CleanDirectory(artifacts));

Task("Native")
    .Description("Finds oneDNN, or builds it once into the user's cache.")
    .Does(() =>
{
    var code = StartProcess("bash", new ProcessSettings { Arguments = "native/onednn/build.sh" });
    if (code == 0)
        return;
    // Without oneDNN the matrix still runs what is left; only who asked for the library is refused.
    if (target == "Native" || required.Contains("onednn"))
        throw new CakeException(code, $"native/onednn/build.sh ended with exit code {code}.");
    Warning("oneDNN is not available here (see above). What follows runs without it.");
});

Task("Build")
    .Does(() => DotNetBuild("ConvNative.sln", new DotNetBuildSettings
    {
        Configuration = configuration,
        NoLogo = true,
        Verbosity = DotNetVerbosity.Minimal,
    }));

Task("Matrix")
    .Description("The correctness matrix over every suite.")
    .IsDependentOn("Native")
    .IsDependentOn("Build")
    .Does(() => Run("dotnet", $"\"{Tool()}\" matrix {toolArguments}"));

Task("InstructionSets")
    .Description("The matrix and the outside suite on the managed engine, once for each instruction set of this processor.")
    .IsDependentOn("Build")
    .Does(() => Run("/usr/bin/python3", $"tests/instruction_sets.py {toolArguments}"));

Task("Test")
    .Description("All tests; the results as TRX in artifacts/test-results.")
    .IsDependentOn("Native")
    .IsDependentOn("Build")
    .Does(() =>
{
    CleanDirectory(testResults);
    var code = StartProcess("dotnet", new ProcessSettings
    {
        Arguments = $"test ConvNative.sln --configuration {configuration} --no-build --nologo"
            + $" --logger \"trx;LogFilePrefix=tests\" --results-directory \"{testResults.FullPath}\" {toolArguments}",
    });

    int passed = 0, failed = 0, skipped = 0;
    var reasons = new List<string>();
    foreach (var file in GetFiles($"{testResults.FullPath}/*.trx"))
    {
        foreach (var result in XDocument.Load(file.FullPath).Descendants().Where(e => e.Name.LocalName == "UnitTestResult"))
        {
            switch ((string)result.Attribute("outcome"))
            {
                case "Passed":
                    passed++;
                    break;
                case "NotExecuted" or "Inconclusive":
                    skipped++;
                    var message = result.Descendants().FirstOrDefault(e => e.Name.LocalName == "Message")?.Value.Trim();
                    reasons.Add($"{(string)result.Attribute("testName")}: {message ?? "no reason given"}");
                    break;
                default:
                    failed++;
                    break;
            }
        }
    }
    foreach (var reason in reasons)
        Information("skipped {0}", reason);
    Information("Total: {0} passed, {1} failed, {2} skipped", passed, failed, skipped);
    if (code != 0 || failed > 0)
        throw new CakeException(1, $"The tests failed: {failed} failed, the runner's exit code is {code}.");
    if (passed == 0)
        throw new CakeException(1, "No test ran.");
});

Task("Generate")
    .Description("Renews the managed engine's kernels and, from the C headers, the committed bindings; `-- --check` compares both.")
    .IsDependentOn("Native")
    .Does(() =>
{
    // The kernels come from nowhere else, so what names headers is for the bindings only.
    var check = toolArguments.Split(' ').Contains("--check") ? "--check" : "";
    Run("dotnet", $"run --project src/ConvApi/Kernels.Generator --configuration {configuration} -- {check}");
    Run("dotnet", $"run --project src/Bindings/Generator --configuration {configuration} -- {toolArguments}");
});

Task("Bench")
    .Description("The tool's benchmark over a suite.")
    .IsDependentOn("Native")
    .IsDependentOn("Build")
    .Does(() => Run("dotnet", $"\"{Tool()}\" bench {toolArguments}"));

Task("Pack")
    .IsDependentOn("Build")
    .Does(() => DotNetPack("ConvNative.sln", new DotNetPackSettings
    {
        Configuration = configuration,
        NoBuild = true,
        NoLogo = true,
        OutputDirectory = artifacts.Combine("packages"),
    }));

Task("Default")
    .IsDependentOn("Matrix");

RunTarget(target);
