namespace FinanceIngest.Configuration;

/// <summary>One named key; two names can hold at once, so that keys rotate.</summary>
public sealed record ApiKeySetting(string Name, string Secret, Scopes Scopes)
{
    /// <summary>The name alone: a record's own text would hold the secret.</summary>
    public override string ToString() => Name;
}
