namespace FinanceIngest.Bench;

/// <summary>This machine has not got what the benchmark needs; the others still run.</summary>
internal sealed class NotMeasuredException(string reason) : Exception(reason);
