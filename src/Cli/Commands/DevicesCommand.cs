using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using ConvNative.Backends;
using ConvNative.Cli.Execution;

namespace ConvNative.Cli.Commands;

/// <summary>The verb <c>devices</c>: what can compute here, and what is missing why.</summary>
public static class DevicesCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        var verb = new Verb(
            "devices",
            "List backends, devices, library versions and instruction sets; for what is missing, every candidate tried.",
            "convnative devices",
            "convnative devices --json")
        {
            json,
        };
        verb.SetAction(p =>
        {
            TextWriter output = p.InvocationConfiguration.Output;
            if (p.GetValue(json)) output.WriteLine(ToJson());
            else Print(output);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Print(TextWriter o)
    {
        o.WriteLine($"machine           {InstructionSets.ProcessorName() ?? "unknown processor"}, {Environment.ProcessorCount} logical cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        o.WriteLine($"runtime           {RuntimeInformation.FrameworkDescription}");
        o.WriteLine($"instruction sets  {string.Join(' ', InstructionSets.Supported)}");
        o.WriteLine("oracle            available: naive loops in double");
        foreach (ConvBackend engine in Engines.All)
        {
            BackendStatus status = engine.Status;
            o.WriteLine($"{engine.Name,-16}  {(status.Available ? "available" : "unavailable")}: {status.Summary}");
            foreach (DeviceInfo device in engine.Devices)
            {
                string properties = string.Join(", ", device.Properties.Select(e => $"{e.Key} {e.Value}"));
                o.WriteLine($"  {device.Id,-14}  {device.Name}{(device.Rejected is null ? "" : $" (rejected: {device.Rejected})")}{(properties.Length == 0 ? "" : $": {properties}")}");
            }

            // What was tried matters where nothing was found; a loaded library speaks for itself.
            if (!status.Available) foreach (string line in status.Details) o.WriteLine($"  tried           {line}");
            if (EngineHelp.Remedy(engine) is { } remedy) o.WriteLine($"  remedy          {remedy}");
        }

        foreach (string name in Absent()) o.WriteLine($"{name,-16}  unavailable: not part of this build");
    }

    private static string ToJson() => JsonText.Object(json =>
    {
        json.WriteString("processor", InstructionSets.ProcessorName());
        json.WriteNumber("logical_cores", Environment.ProcessorCount);
        json.WriteString("architecture", RuntimeInformation.ProcessArchitecture.ToString().ToLower(CultureInfo.InvariantCulture));
        json.WriteString("system", RuntimeInformation.OSDescription);
        json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        JsonText.Strings(json, "instruction_sets", InstructionSets.Supported);
        json.WriteStartArray("backends");
        foreach (ConvBackend engine in Engines.All) Write(json, engine.Name, engine.Status with { Remedy = EngineHelp.Remedy(engine) }, engine.Devices);
        foreach (string name in Absent()) Write(json, name, new BackendStatus(false, "not part of this build", [], null), []);
        json.WriteEndArray();
    });

    private static IEnumerable<string> Absent() => Executor.Backends.Where(b => b is not ("oracle" or "auto") && Engines.Find(b) is null);

    private static void Write(Utf8JsonWriter json, string name, BackendStatus status, IReadOnlyList<DeviceInfo> devices)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("status", status.Available ? "available" : "unavailable");
        json.WriteString("summary", status.Summary);
        JsonText.Strings(json, "details", status.Details);
        json.WriteString("remedy", status.Remedy);
        json.WriteStartArray("devices");
        foreach (DeviceInfo device in devices)
        {
            json.WriteStartObject();
            json.WriteString("id", device.Id);
            json.WriteString("name", device.Name);
            json.WriteString("rejected", device.Rejected);
            json.WriteStartObject("properties");
            foreach ((string key, string value) in device.Properties) json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
