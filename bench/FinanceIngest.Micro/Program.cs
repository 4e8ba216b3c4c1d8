// The benchmarks run in this process. By default BenchmarkDotNet generates and builds a project, which would inherit this repository's build settings.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(
    args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
