namespace FinanceIngest.Ground;

/// <summary>The outcome of the last use of a dependency. Reading the status causes no call to the dependency.</summary>
internal sealed class DependencyStatus(string name)
{
    private volatile string? _problem;
    private volatile Func<Exception?> _watch = () => null;

    /// <summary>The name under which <c>/readyz</c> reports the dependency.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the last use succeeded; true before the first use.</summary>
    public bool IsOk => _problem is null;

    /// <summary>The error message of the last use; null when it succeeded.</summary>
    public string? Problem => _problem;

    /// <summary>
    /// Looks for trouble that no use would show and that does not pass by itself, such as a file that was deleted while it is open; null: there is none. The
    /// look is cheap and wakes nothing.
    /// </summary>
    public Exception? FindTrouble()
    {
        Exception? trouble = _watch();
        if (trouble is not null)
        {
            Failed(trouble);
        }

        return trouble;
    }

    /// <summary>Sets how <see cref="FindTrouble"/> looks.</summary>
    public void Watch(Func<Exception?> watch) => _watch = watch;

    /// <summary>Records that the dependency was used and succeeded.</summary>
    public void Succeeded() => _problem = null;

    /// <summary>Records that the dependency was used and failed.</summary>
    public void Failed(Exception cause) => _problem = SafeText.Cut(cause.Message, FailureText.LongestReason);
}
