namespace FinanceIngest.Ground;

/// <summary>The outcome of the last use of a dependency. Reading the status causes no call to the dependency.</summary>
internal sealed class DependencyStatus(string name)
{
    private volatile string? _problem;

    /// <summary>The name under which <c>/readyz</c> reports the dependency.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the last use succeeded; true before the first use.</summary>
    public bool IsOk => _problem is null;

    /// <summary>The error message of the last use; null when it succeeded.</summary>
    public string? Problem => _problem;

    /// <summary>Records that the dependency was used and succeeded.</summary>
    public void Succeeded() => _problem = null;

    /// <summary>Records that the dependency was used and failed.</summary>
    public void Failed(Exception cause) => _problem = cause.Message;
}
