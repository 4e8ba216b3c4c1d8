#:package Azure.Identity
#:package Microsoft.Data.SqlClient
#:property PublishAot=false

// azd runs this file after provisioning (azure.yaml). It migrates the database to this version and adds the programs' identities to their database roles. It is
// safe to run again.
//
// Bicep could do this only with a deployment script. That script would keep its files in a storage account that allows account keys, and its identity would
// remain a second administrator of the database. This file runs as the person or pipeline that deploys, which already administers the database.
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure.Core;
using Azure.Identity;
using Microsoft.Data.SqlClient;

const int NotAllowedByFirewall = 40615;
const string FirewallRule = "prepare-database";
TimeSpan patience = TimeSpan.FromMinutes(10);

var credential = new DefaultAzureCredential();
using var http = new HttpClient();
string connectionString = new SqlConnectionStringBuilder
{
    DataSource = $"tcp:{Setting("DATABASE_SERVER")},1433",
    InitialCatalog = Setting("DATABASE_NAME"),
    Encrypt = SqlConnectionEncryptOption.Mandatory,
    ConnectTimeout = 60,
}.ConnectionString;

bool opened = false;
try
{
    await WaitForDatabaseAsync();
    await MigrateAsync();
    JsonElement roles = JsonDocument.Parse(File.ReadAllText(Path.Combine("infra", "names.json"))).RootElement.GetProperty("databaseRoles");
    await GrantAsync(Setting("INTAKE_IDENTITY_NAME"), Setting("INTAKE_IDENTITY_CLIENT_ID"), roles.GetProperty("intake").GetString()!);
    await GrantAsync(Setting("WORKER_IDENTITY_NAME"), Setting("WORKER_IDENTITY_CLIENT_ID"), roles.GetProperty("worker").GetString()!);
    Console.WriteLine("The database is ready.");
}
finally
{
    if (opened)
    {
        await FirewallAsync(HttpMethod.Delete, null);
    }
}

// Waits until the database accepts connections, and opens the firewall for this machine if the server asks for it. A new firewall rule takes effect after a
// delay, and a paused database needs time to resume.
async Task WaitForDatabaseAsync()
{
    for (var waited = Stopwatch.StartNew(); ; await Task.Delay(TimeSpan.FromSeconds(5)))
    {
        try
        {
            await using SqlConnection connection = await ConnectAsync();
            return;
        }
        catch (SqlException e) when (e.Number == NotAllowedByFirewall && !opened)
        {
            // The error message contains this machine's address as the server sees it.
            IPAddress address = IPAddress.Parse(Regex.Match(e.Message, @"\d+\.\d+\.\d+\.\d+").Value);
            Console.WriteLine($"Opening the database's firewall for {address} while this runs.");
            opened = true;
            await FirewallAsync(HttpMethod.Put, new { properties = new { startIpAddress = address.ToString(), endIpAddress = address.ToString() } });
        }
        catch (SqlException e) when (waited.Elapsed < patience)
        {
            Console.WriteLine($"The database does not answer yet: {e.Message}");
        }
    }
}

async Task FirewallAsync(HttpMethod method, object? body)
{
    using var request = new HttpRequestMessage(
        method, $"https://management.azure.com{Setting("DATABASE_SERVER_ID")}/firewallRules/{FirewallRule}?api-version=2023-08-01");
    request.Headers.Authorization = await BearerAsync("https://management.azure.com/.default");
    request.Content = body is null ? null : JsonContent.Create(body);
    using HttpResponseMessage response = await http.SendAsync(request);
    response.EnsureSuccessStatusCode();
}

async Task MigrateAsync()
{
    var start = new ProcessStartInfo("dotnet", ["run", "--project", Path.Combine("src", "Cli"), "--", "migrate", "--roles"])
    {
        Environment =
        {
            ["SQL_CONNECTION_STRING"] = connectionString,
            ["FinanceIngest__IdSigningKey"] = await SigningKeyAsync(),

            // migrate uses no queues. The address that azd passes on would be refused next to a connection string for the same account, so it is cleared.
            ["AZURE_STORAGE_QUEUE_SERVICE_URI"] = "",
        },
    };
    using Process process = Process.Start(start)!;
    await process.WaitForExitAsync();
    if (process.ExitCode != 0)
    {
        throw new InvalidOperationException($"finance-ingest migrate --roles ended with {process.ExitCode}.");
    }
}

// Retries while access is denied: the role that lets the administrator read the key was assigned moments ago and takes effect after a delay.
async Task<string> SigningKeyAsync()
{
    for (var waited = Stopwatch.StartNew(); ; await Task.Delay(TimeSpan.FromSeconds(10)))
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Setting("SIGNING_KEY_URI")}?api-version=7.4");
        request.Headers.Authorization = await BearerAsync("https://vault.azure.net/.default");
        using HttpResponseMessage response = await http.SendAsync(request);
        if (response.StatusCode == HttpStatusCode.Forbidden && waited.Elapsed < patience)
        {
            continue;
        }

        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("value").GetString()!;
    }
}

// Users are created by SID rather than FROM EXTERNAL PROVIDER, because the server then needs no directory lookup, for which a pipeline may have no rights. An
// identity that was deleted and created again under the same name has a new SID, and the user is created again too.
async Task GrantAsync(string identity, string clientId, string role)
{
    string user = Quote(identity);
    string sid = $"0x{Convert.ToHexString(Guid.Parse(clientId).ToByteArray())}";
    string sql = $"""
        IF EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @identity AND sid <> {sid})
            DROP USER {user};
        IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @identity)
            CREATE USER {user} WITH SID = {sid}, TYPE = E;
        ALTER ROLE {Quote(role)} ADD MEMBER {user};
        """;
    await using SqlConnection connection = await ConnectAsync();
    await using var command = new SqlCommand(sql, connection);
    command.Parameters.AddWithValue("@identity", identity);
    await command.ExecuteNonQueryAsync();
    Console.WriteLine($"{identity} is a member of {role}.");
}

async Task<SqlConnection> ConnectAsync()
{
    var connection = new SqlConnection(connectionString)
    {
        AccessTokenCallback = async (_, cancellationToken) =>
        {
            AccessToken token = await credential.GetTokenAsync(new TokenRequestContext(["https://database.windows.net/.default"]), cancellationToken);
            return new SqlAuthenticationToken(token.Token, token.ExpiresOn);
        },
    };
    try
    {
        await connection.OpenAsync();
        return connection;
    }
    catch
    {
        await connection.DisposeAsync();
        throw;
    }
}

async Task<AuthenticationHeaderValue> BearerAsync(string scope) =>
    new("Bearer", (await credential.GetTokenAsync(new TokenRequestContext([scope]), default)).Token);

static string Quote(string name) => $"[{name.Replace("]", "]]", StringComparison.Ordinal)}]";

static string Setting(string name) =>
    Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{name} is not set; azd sets it from the outputs of infra/main.bicep.");
