namespace FinanceIngest.Bench;

/// <summary>The machine lacks something that the benchmark needs. The other benchmarks still run.</summary>
internal sealed class NotMeasuredException(string reason) : Exception(reason);
