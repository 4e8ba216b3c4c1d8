namespace FinanceIngest.Ground;

/// <summary>How the last use of a dependency went. Nothing is asked of the dependency to know it.</summary>
internal sealed class DependencyStatus(string name)
{
    private volatile string? _problem;

    /// <summary>Name as <c>/readyz</c> reports it.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the last use went well; true before the first.</summary>
    public bool IsOk => _problem is null;

    /// <summary>What went wrong at the last use; null when nothing did.</summary>
    public string? Problem => _problem;

    /// <summary>The dependency did what was asked.</summary>
    public void Succeeded() => _problem = null;

    /// <summary>The dependency failed.</summary>
    public void Failed(Exception cause) => _problem = cause.Message;
}
