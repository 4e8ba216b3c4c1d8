using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>Upgrades of an installation on SQL Server and Azure's queues, where programs of both versions run on one database by promise.</summary>
[Needs(Outside.Program, Outside.Azurite, Outside.SqlServer)]
public sealed class SqlServerUpgradeTests(AzuriteFixture azurite) : UpgradeTests
{
    private readonly EmptySqlServerDatabase _database = new();
    private readonly string _inbound = $"inbound-{Guid.NewGuid():N}";
    private readonly string _alerts = $"alerts-{Guid.NewGuid():N}";

    public override async ValueTask InitializeAsync() => await _database.InitializeAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected override async Task<(string Name, string Value)[]> EnvironmentAsync() =>
    [
        ("SQL_CONNECTION_STRING", _database.ConnectionString),
        ("FinanceIngest__IdSigningKey", "the same for both versions"),
        ("AZURE_STORAGE_CONNECTION_STRING", await azurite.ConnectionStringAsync()),
        ("FinanceIngest__InboundQueue", _inbound),
        ("FinanceIngest__AlertQueue", _alerts),
    ];
}
