using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace ConvNative.Web;

/// <summary>Clients that each ask again as soon as they are answered, and a health check ten times a second; prints percentiles in milliseconds.</summary>
internal static class Load
{
    public static async Task Run(Uri service, int clients, TimeSpan length, TextWriter output)
    {
        using var http = new HttpClient { BaseAddress = service };
        ConcurrentBag<double> answers = [], runs = [], health = [];
        int errors = 0;
        using var end = new CancellationTokenSource(length);
        IEnumerable<Task> all = Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested) await Ask("/convolve", answers, runs);
        }));
        await Task.WhenAll([.. all, Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                await Ask("/health", health, null);
                await Task.Delay(100);
            }
        })]);
        output.WriteLine($"{clients} clients, {length.TotalSeconds:0} s: {answers.Count / length.TotalSeconds:0} answers a second, {errors} errors");
        Print("answer", answers);
        Print("run of the plan", runs);
        Print("health check", health);

        async Task Ask(string path, ConcurrentBag<double> times, ConcurrentBag<double>? inside)
        {
            long from = Stopwatch.GetTimestamp();
            using HttpResponseMessage r = await http.GetAsync(new Uri(path, UriKind.Relative));
            string text = await r.Content.ReadAsStringAsync();
            times.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            if (!r.IsSuccessStatusCode) Interlocked.Increment(ref errors);
            else inside?.Add(double.Parse(text, CultureInfo.InvariantCulture));
        }

        void Print(string name, ConcurrentBag<double> times)
        {
            double[] sorted = [.. times.Order()];
            if (sorted.Length == 0) return;
            double At(double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
            output.WriteLine($"{name,-16} p50 {At(0.5):0.00}  p95 {At(0.95):0.00}  p99 {At(0.99):0.00}  most {sorted[^1]:0.00} ms of {sorted.Length}");
        }
    }
}
