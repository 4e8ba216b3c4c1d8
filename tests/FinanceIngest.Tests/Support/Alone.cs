namespace FinanceIngest.Tests.Support;

/// <summary>Classes whose tests run after all others and one after another, because they assert on what the whole process shares.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
