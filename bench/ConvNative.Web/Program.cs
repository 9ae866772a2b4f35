using System.Diagnostics;
using System.Globalization;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Web;

// Many callers at once on one plan behind ASP.NET, as an app has them:
//   ConvNative.Web [--engine NAME] [--problem TEXT] [--clients 64] [--seconds 10]    starts the service, and clients in a process of their own
// Every answer is compared with the plan's own; health checks are asked for beside, ten times a second.
string Option(string name, string otherwise) => Array.IndexOf(args, "--" + name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
int clients = int.Parse(Option("clients", "64"), CultureInfo.InvariantCulture);
double seconds = double.Parse(Option("seconds", "10"), CultureInfo.InvariantCulture);
if (Option("url", "") is { Length: > 0 } url)
{
    await Load.Run(new Uri(url), clients, TimeSpan.FromSeconds(seconds), Console.Out);
    return;
}

string engine = Option("engine", "auto");
ConvProblem problem = ConvProblem.Parse(Option("problem", "mb1ic64ih28oc64kh3ph1"));
using ConvPlan plan = ConvPlan.Create(problem, new PlanOptions(), engine);
var random = new Random(1);
float[] Values(long count) => [.. Enumerable.Range(0, checked((int)count)).Select(_ => random.NextSingle() - 0.5f)];
plan.SetWeights(Values(problem.WeightCount), problem.HasBias ? Values(problem.OutputChannels) : []);
float[] input = Values(problem.InputShape.Product), expected = new float[problem.OutputShape.Product];
plan.Run(input, expected);

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseUrls("http://127.0.0.1:0");
await using WebApplication app = builder.Build();
app.MapGet("/health", () => "ok");
app.MapGet("/convolve", () =>
{
    float[] output = new float[expected.Length];
    long from = Stopwatch.GetTimestamp();
    plan.Run(input, output);
    double ms = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
    return output.AsSpan().SequenceEqual(expected) ? Results.Text(ms.ToString(CultureInfo.InvariantCulture)) : Results.Problem("another result than alone");
});
await app.StartAsync();

long start = Stopwatch.GetTimestamp();
const int Rounds = 200;
for (int i = 0; i < Rounds; i++) plan.Run(input, expected);
Console.WriteLine($"{plan.Backend} {plan.Implementation}, {problem}; alone {Stopwatch.GetElapsedTime(start).TotalMilliseconds / Rounds:0.000} ms a run; {Environment.ProcessorCount} processors");
using Process load = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? new[] { typeof(Load).Assembly.Location } : [],
    "--url", app.Urls.First(), "--clients", clients.ToString(CultureInfo.InvariantCulture), "--seconds", seconds.ToString(CultureInfo.InvariantCulture)]))!;
int most = 0;
while (!load.WaitForExit(100)) most = Math.Max(most, Process.GetCurrentProcess().Threads.Count);
Console.WriteLine($"most threads of the service: {most}");
await app.StopAsync();
