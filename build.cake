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

// oneDNN's build from source beside what runs here, at low priority, its lines on the same screen; null where a library is here already.
System.Diagnostics.Process OneDnnBeside()
{
    if (StartProcess("bash", new ProcessSettings { Arguments = "native/onednn/build.sh --find" }) != 3)
        return null;
    return System.Diagnostics.Process.Start("nice", "-n 19 bash native/onednn/build.sh");
}

Task("Default")
    .Description("A first look within minutes: builds the tool, judges the engines that are here, and oneDNN when its build beside is done. -- --full: every suite.")
    .Does(() =>
{
    // What ends within three minutes on two processors where OpenCL kernels are compiled for the first time.
    const string First = "smoke,edge";
    bool full = toolArguments.Contains("\"--full\""), chosen = toolArguments.Contains("--suite");
    var arguments = toolArguments.Replace("\"--full\"", "").Trim() + (full || chosen ? "" : $" --suite {First}");
    using var native = OneDnnBeside();

    // Without analyzers, which take longer than the compiler.
    DotNetBuild("src/Cli/ConvNative.Cli.csproj", new DotNetBuildSettings
    {
        Configuration = configuration,
        NoLogo = true,
        Verbosity = DotNetVerbosity.Minimal,
        MSBuildSettings = new DotNetMSBuildSettings().WithProperty("RunAnalyzers", "false"),
    });
    var code = StartProcess("dotnet", $"\"{Tool()}\" matrix {arguments}");
    if (native is not null)
    {
        if (!native.HasExited)
            Information("The engines that are here are judged. oneDNN is still being built; its cells join when it is done (Ctrl-C keeps what there is, ./build.sh continues).");
        native.WaitForExit();
        if (native.ExitCode == 0)
            code = StartProcess("dotnet", $"\"{Tool()}\" matrix {arguments} --resume");
        else
            Warning("oneDNN is not available here (see above); the other engines are judged without it.");
    }
    if (!full && !chosen)
        Information("Judged: {0}. Not run: every variant, direction and type in small problems (./build.sh -- --suite variants), and with the layers of the networks, blocks and trunks everything (./build.sh -- --full)", First);
    if (code != 0)
        throw new CakeException(code, $"The matrix ended with exit code {code}.");
});

RunTarget(target);
