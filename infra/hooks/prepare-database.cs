#:package Azure.Identity
#:package Microsoft.Data.SqlClient
#:property PublishAot=false

// azd runs this file after provisioning and before deploying (azure.yaml), so that no program runs on a schema that is older than itself. The file migrates the
// database to this version and gives the programs' identities their database roles. It is safe to run again.
//
// Bicep could do this only with a deployment script. That script would keep its files in a storage account that allows account keys, and its identity would
// remain a second administrator of the database. This file runs as the person or pipeline that deploys, which already administers the database.
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure.Core;
using Azure.Identity;
using Microsoft.Data.SqlClient;

const int NotAllowedByFirewall = 40615;
const int PublicAccessIsOff = 47073;
const int LoginFailed = 18456;
const string FirewallRule = "prepare-database";

// The message was seen in Microsoft's question-and-answer pages. Its number is in no documentation that was found.
const string FreeAmountIsUsedUp = "monthly free amount";
TimeSpan patience = TimeSpan.FromMinutes(10);
TimeSpan loginPatience = TimeSpan.FromMinutes(2);

if (IsTrue("SKIP_DATABASE"))
{
    Console.WriteLine("SKIP_DATABASE is true: the database is not prepared, and whoever set it answers for its schema.");
    return 0;
}

// Ctrl-C and the end of a pipeline's job must not leave the firewall open, so they only cancel what runs, and "finally" does the rest.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.Cancel();
});

// The one who is signed in to azd, in the tenant that azd deploys to. DefaultAzureCredential would first take an "az login" or a Visual Studio account, which
// may be of another tenant.
const string OnlyAzd = nameof(AzureDeveloperCliCredential);
var credential = new AzureDeveloperCliCredential(new AzureDeveloperCliCredentialOptions { TenantId = Setting("AZURE_TENANT_ID") });
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
    JsonElement identities = JsonDocument.Parse(Setting("IDENTITIES")).RootElement;
    await GrantAsync(identities.GetProperty("intake"), roles.GetProperty("intake").GetString()!);
    await GrantAsync(identities.GetProperty("worker"), roles.GetProperty("worker").GetString()!);
    await GrantAsync(identities.GetProperty("notifier"), roles.GetProperty("notifier").GetString()!);
    if (identities.TryGetProperty("portal", out JsonElement portal))
    {
        await GrantAsync(portal, roles.GetProperty("intake").GetString()!);
        await GrantAsync(portal, roles.GetProperty("operator").GetString()!);
    }

    await SetMemberAsync(
        identities.GetProperty("worker").GetProperty("name").GetString()!, roles.GetProperty("retention").GetString()!, PurgesRows());
    Console.WriteLine("The database is ready.");
    return 0;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped before the database was ready.");
    return 130;
}
finally
{
    await CloseFirewallAsync();
}

// Removes the rule whether or not this run made it, because an earlier run may have been killed. Azure answers 204 where there is none. A failure is printed
// only: thrown here, it would hide the exception that ended the run.
async Task CloseFirewallAsync()
{
    if (IsTrue("PRIVATE_NETWORK"))
    {
        return;
    }

    try
    {
        await FirewallAsync(HttpMethod.Delete, null, CancellationToken.None);
    }
    catch (Exception e)
    {
        Console.Error.WriteLine($"The database server's firewall rule {FirewallRule}, if it exists, could not be removed: remove it by hand. {e.Message}");
    }
}

// Waits until the database accepts connections, and opens the firewall for this machine if the server asks for it. A new firewall rule takes effect after a
// delay, and a paused database needs time to resume.
async Task WaitForDatabaseAsync()
{
    for (var waited = Stopwatch.StartNew(); ; await Task.Delay(TimeSpan.FromSeconds(5), stop.Token))
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
            var rule = new { properties = new { startIpAddress = address.ToString(), endIpAddress = address.ToString() } };
            await FirewallAsync(HttpMethod.Put, rule, stop.Token);
        }
        catch (SqlException e) when (e.Number == PublicAccessIsOff)
        {
            throw new InvalidOperationException(
                "The database accepts connections from its virtual network only (PRIVATE_NETWORK): run azd on a machine in that network.", e);
        }
        catch (SqlException e) when (e.Message.Contains(FreeAmountIsUsedUp, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException(
                "The database has used up its free amount and is paused until the next month. To go on at a cost, which can't be taken back: azd env set "
                    + "SQL_FREE_LIMIT_EXHAUSTED BillOverUsage, then azd provision. To deploy the intake alone, which needs no database to take transactions: "
                    + "set SKIP_DATABASE=true for one azd deploy intake.",
                e);
        }
        catch (SqlException e) when (e.Number == LoginFailed && waited.Elapsed > loginPatience)
        {
            throw new InvalidOperationException(
                $"Whoever is signed in to azd may not prepare the database. Its administrator is '{Setting("ADMINISTRATOR_NAME")}': sign in as that user or as "
                    + "a member of that group, or set ADMINISTRATOR_ID, ADMINISTRATOR_NAME and ADMINISTRATOR_TYPE and run azd provision.",
                e);
        }
        catch (SqlException e) when (waited.Elapsed < patience)
        {
            Console.WriteLine($"The database does not answer yet: {e.Message}");
        }
    }
}

async Task FirewallAsync(HttpMethod method, object? body, CancellationToken cancellationToken)
{
    using var request = new HttpRequestMessage(
        method, $"https://management.azure.com{Setting("DATABASE_SERVER_ID")}/firewallRules/{FirewallRule}?api-version=2023-08-01");
    request.Headers.Authorization = await BearerAsync("https://management.azure.com/.default", cancellationToken);
    request.Content = body is null ? null : JsonContent.Create(body);
    using HttpResponseMessage response = await http.SendAsync(request, cancellationToken);
    response.EnsureSuccessStatusCode();
}

async Task MigrateAsync()
{
    // azd may package the programs at the same time. They share src/Shared with this one, and two builds must not write into the same obj folders.
    DirectoryInfo built = Directory.CreateTempSubdirectory("finance-ingest-migrate-");
    string[] run = ["run", "--project", Path.Combine("src", "Cli"), "--artifacts-path", built.FullName, "--", "migrate", "--roles"];
    var start = new ProcessStartInfo("dotnet", run)
    {
        Environment =
        {
            ["SQL_CONNECTION_STRING"] = connectionString,
            ["FinanceIngest__IdSigningKey"] = await SigningKeyAsync(),

            // Makes DefaultAzureCredential, with which finance-ingest signs in, take what this file takes, in the tenant of AZURE_TENANT_ID.
            ["AZURE_TOKEN_CREDENTIALS"] = OnlyAzd,
            ["AZURE_TENANT_ID"] = Setting("AZURE_TENANT_ID"),

            // migrate uses no queues. The address that azd passes on would be refused next to a connection string for the same account, so it is cleared.
            ["AZURE_STORAGE_QUEUE_SERVICE_URI"] = "",
        },
    };
    using Process process = Process.Start(start)!;
    try
    {
        await process.WaitForExitAsync(stop.Token);
    }
    catch (OperationCanceledException)
    {
        process.Kill(entireProcessTree: true);
        throw;
    }
    finally
    {
        Remove(built);
    }

    if (process.ExitCode != 0)
    {
        throw new InvalidOperationException($"finance-ingest migrate --roles ended with {process.ExitCode}.");
    }
}

// What is left in the temporary folder harms nobody, so that a file that is still in use is no reason to fail.
static void Remove(DirectoryInfo folder)
{
    try
    {
        folder.Delete(recursive: true);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        Console.WriteLine($"{folder.FullName} could not be removed: {e.Message}");
    }
}

// Retries while access is denied: the role that lets the administrator read the key was assigned moments ago and takes effect after a delay.
async Task<string> SigningKeyAsync()
{
    for (var waited = Stopwatch.StartNew(); ; await Task.Delay(TimeSpan.FromSeconds(10), stop.Token))
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Setting("SIGNING_KEY_URI")}?api-version=7.4");
        request.Headers.Authorization = await BearerAsync("https://vault.azure.net/.default", stop.Token);
        using HttpResponseMessage response = await http.SendAsync(request, stop.Token);
        if (response.StatusCode == HttpStatusCode.Forbidden && waited.Elapsed < patience)
        {
            continue;
        }

        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(stop.Token)).GetProperty("value").GetString()!;
    }
}

// Users are created by SID rather than FROM EXTERNAL PROVIDER, because the server then needs no directory lookup, for which a pipeline may have no rights. An
// identity that was deleted and created again under the same name has a new SID, and the user is created again too.
async Task GrantAsync(JsonElement given, string role)
{
    string identity = given.GetProperty("name").GetString()!;
    string user = Quote(identity);
    string sid = $"0x{Convert.ToHexString(given.GetProperty("clientId").GetGuid().ToByteArray())}";
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
    await command.ExecuteNonQueryAsync(stop.Token);
    Console.WriteLine($"{identity} is a member of {role}.");
}

// Rows are purged where the setting FinanceIngest__Retention__Days is given (infra/main.parameters.json). A worker has the right to it only there.
static bool PurgesRows() => Environment.GetEnvironmentVariable("RETENTION_DAYS") is { Length: > 0 };

async Task SetMemberAsync(string identity, string role, bool member)
{
    string sql = member
        ? $"ALTER ROLE {Quote(role)} ADD MEMBER {Quote(identity)};"
        : $"IF IS_ROLEMEMBER(@role, @identity) = 1 ALTER ROLE {Quote(role)} DROP MEMBER {Quote(identity)};";
    await using SqlConnection connection = await ConnectAsync();
    await using var command = new SqlCommand(sql, connection);
    command.Parameters.AddWithValue("@role", role);
    command.Parameters.AddWithValue("@identity", identity);
    await command.ExecuteNonQueryAsync(stop.Token);
    Console.WriteLine($"{identity} is {(member ? "a" : "no")} member of {role}.");
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
        await connection.OpenAsync(stop.Token);
        return connection;
    }
    catch
    {
        await connection.DisposeAsync();
        throw;
    }
}

async Task<AuthenticationHeaderValue> BearerAsync(string scope, CancellationToken cancellationToken) =>
    new("Bearer", (await credential.GetTokenAsync(new TokenRequestContext([scope]), cancellationToken)).Token);

static bool IsTrue(string name) => string.Equals(Environment.GetEnvironmentVariable(name), "true", StringComparison.OrdinalIgnoreCase);

static string Quote(string name) => $"[{name.Replace("]", "]]", StringComparison.Ordinal)}]";

static string Setting(string name) =>
    Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{name} is not set; azd sets it from the outputs of infra/main.bicep.");
