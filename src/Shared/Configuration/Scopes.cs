namespace FinanceIngest.Configuration;

/// <summary>What an API key allows.</summary>
[Flags]
public enum Scopes
{
    /// <summary>Open to everybody.</summary>
    None = 0,

    /// <summary>Submit transactions.</summary>
    Submit = 1,

    /// <summary>Read results.</summary>
    Read = 2,

    /// <summary>Change baselines.</summary>
    Admin = 4,

    /// <summary>Everything.</summary>
    All = Submit | Read | Admin,
}
