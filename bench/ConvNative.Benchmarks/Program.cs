using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using ConvNative.Benchmarks;

// In process: the artifacts folder layout of this repository is not what BenchmarkDotNet's generated projects expect.
IConfig config = DefaultConfig.Instance
    .AddJob(Job.Default.WithToolchain(InProcessNoEmitToolchain.Instance).WithIterationCount(15).WithWarmupCount(6))
    .WithArtifactsPath(Path.Combine(Environment.CurrentDirectory, "BenchmarkDotNet.Artifacts"));
BenchmarkSwitcher.FromTypes([typeof(ExecuteOverhead)]).Run(args.Length == 0 ? ["--filter", "*"] : args, config);
