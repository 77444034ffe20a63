using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using PageFold.Micro;
using Perfolizer.Horology;

// Measures the cost of single calls, layer by layer. Arguments go to BenchmarkDotNet, as in: --filter '*Codec*'. Exit code 1 if a
// benchmark did not run.
Job job = Job.Default.WithId("Micro")
    .WithLaunchCount(1)
    .WithWarmupCount(3)
    .WithIterationCount(6)
    // Long enough that the cost of code before it is optimized does not mislead the choice of invocations.
    .WithIterationTime(TimeInterval.FromMilliseconds(500))
    // An invocation has some thousand operations already.
    .WithUnrollFactor(1)
    .AsDefault();
IConfig config = DefaultConfig.Instance
    .AddJob(job)
    .AddDiagnoser(new MemoryDiagnoser(new MemoryDiagnoserConfig(displayGenColumns: false)))
    .WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared))
    .WithArtifactsPath(Path.Combine(Environment.CurrentDirectory, "artifacts", "benchmarks"));
string[] everything = ["--filter", "*"];
Summary[] summaries = [.. BenchmarkSwitcher.FromAssembly(typeof(RealPages).Assembly).Run(args.Length == 0 ? everything : args, config)];
return summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
