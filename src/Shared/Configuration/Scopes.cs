namespace FinanceIngest.Configuration;

/// <summary>The requests that an API key or a token allows; of a route, the scope that it requires.</summary>
[Flags]
public enum Scopes
{
    /// <summary>A route without credentials.</summary>
    None = 0,

    /// <summary>Submit transactions.</summary>
    Submit = 1,

    /// <summary>Read results.</summary>
    Read = 2,

    /// <summary>Change baselines.</summary>
    Admin = 4,

    /// <summary>Give commands about transactions and users that exist already.</summary>
    Manage = 8,

    /// <summary>Every scope.</summary>
    All = Submit | Read | Admin | Manage,
}
