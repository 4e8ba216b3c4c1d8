using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// The benchmarks run in this process. By default BenchmarkDotNet generates and builds a project, which would inherit this repository's build settings.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(
    args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
