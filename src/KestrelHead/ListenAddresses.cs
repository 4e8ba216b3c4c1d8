using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FinanceIngest.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.KestrelHead;

/// <summary>Decides where a program listens, and whether it may listen there without keys.</summary>
public static class ListenAddresses
{
    private const string Urls = "ASPNETCORE_URLS";
    private const string NoCertificate =
        "https needs a certificate: set Kestrel__Certificates__Default__Path (and __Password), or listen on http behind a proxy that has one.";

    private const string DevelopmentOid = "1.3.6.1.4.1.311.84.1.1";
    private const string NoAddress = "is not an address such as http://127.0.0.1:7071.";

    /// <summary>Sets the default address, and refuses an open server on an address that others can reach.</summary>
    /// <exception cref="SettingsException">An address is malformed, or is not loopback while no keys are configured.</exception>
    public static void Configure(WebApplicationBuilder builder, Settings settings, int defaultPort)
    {
        List<(string Setting, string Url)> addresses = [.. Configured(builder.Configuration)];
        if (addresses.Exists(static address => address.Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase)))
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        if (addresses.Count == 0)
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{defaultPort.ToString(CultureInfo.InvariantCulture)}");
        }

        foreach ((string setting, string url) in addresses)
        {
            Check(setting, url);
            if (url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            {
                RequireCertificate(builder.Configuration, setting);
            }

            if (!IsLoopback(url) && !settings.HasCredentials && settings.Roles.HasFlag(Roles.Intake))
            {
                throw new SettingsException(
                    "FinanceIngest__ApiKeys__NAME__Secret",
                    $"required (or FinanceIngest__Jwt__Authority), because {setting} has '{url}', an address that is not loopback.");
            }
        }

        builder.WebHost.UseSockets(KestrelLimits.Apply);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.RequestHeaderEncodingSelector = name => name == "Content-Length" ? StrictLength.Instance : null;
            KestrelLimits.Apply(kestrel.Limits);
            var places = new ConnectionPlaces(settings.MaximumConnections, TimeProvider.System);
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => places.ServeAsync(connection, next)));
        });
    }

    private static IEnumerable<(string Setting, string Url)> Configured(IConfiguration configuration)
    {
        List<(string, string)> addresses = [];
        foreach (string url in Split(configuration["urls"]))
        {
            addresses.Add((Urls, url));
        }

        foreach (IConfigurationSection endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            string setting = $"Kestrel__Endpoints__{endpoint.Key}__Url";
            addresses.Add((setting, endpoint["Url"] ?? throw new SettingsException(setting, "missing: the address of this endpoint.")));
        }

        if (addresses.Count > 0)
        {
            return addresses;
        }

        // A port without an address, which container images set, means every address of the machine.
        return Split(configuration["http_ports"]).Select(port => ("ASPNETCORE_HTTP_PORTS", $"http://*:{port}"))
            .Concat(Split(configuration["https_ports"]).Select(port => ("ASPNETCORE_HTTPS_PORTS", $"https://*:{port}")));
    }

    private static string[] Split(string? list) => (list ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Starts the program, which begins to listen.</summary>
    /// <exception cref="SettingsException">Kestrel can't listen as it is told to: https without a certificate, or one that can't be read.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException && IsKestrels(e))
        {
            List<(string Setting, string Url)> addresses = [.. Configured(app.Configuration)];
            int secure = addresses.FindIndex(address => address.Url.StartsWith("https", StringComparison.OrdinalIgnoreCase));
            string setting = addresses.Count == 0 ? Urls : addresses[Math.Max(0, secure)].Setting;
            throw new SettingsException(setting, e.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase) ? NoCertificate : e.Message);
        }
        catch (CryptographicException e)
        {
            throw new SettingsException("Kestrel__Certificates", $"the certificate can't be used: {e.Message}");
        }
    }

    // Kestrel would say the same when it begins to listen, after the program has made its files.
    private static void RequireCertificate(ConfigurationManager configuration, string setting)
    {
        string endpoint = setting.StartsWith("Kestrel__", StringComparison.Ordinal) ? setting[..setting.LastIndexOf("__", StringComparison.Ordinal)] : "";
        string[] places = ["Kestrel__Certificates__Default", "Kestrel__Certificates__Development", $"{endpoint}__Certificate"];
        foreach (string place in places)
        {
            IConfigurationSection certificate = configuration.GetSection(place.Replace("__", ":", StringComparison.Ordinal));
            if (certificate["Path"] is { Length: > 0 } path && !File.Exists(path))
            {
                throw new SettingsException($"{place}__Path", $"there is no file '{path}'.");
            }
        }

        bool isSet = places.Any(place => configuration.GetSection(place.Replace("__", ":", StringComparison.Ordinal)).GetChildren().Any());
        if (!isSet && !HasDevelopmentCertificate())
        {
            throw new SettingsException(setting, NoCertificate);
        }
    }

    // What `dotnet dev-certs https` puts there, and Kestrel takes when no certificate is set.
    private static bool HasDevelopmentCertificate()
    {
        try
        {
            using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.OpenExistingOnly);
            return store.Certificates.Any(
                certificate => certificate.HasPrivateKey && certificate.Extensions.Any(extension => extension.Oid?.Value == DevelopmentOid));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    // A mistake of our own would be of the same type, and is not the user's to mend.
    private static bool IsKestrels(Exception e) => e.Source?.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true;

    private static void Check(string setting, string url)
    {
        string? problem;
        try
        {
            problem = ProblemOf(BindingAddress.Parse(url));
        }
        catch (FormatException)
        {
            problem = NoAddress;
        }

        if (problem is not null)
        {
            throw new SettingsException(setting, $"'{url}' {problem}");
        }
    }

    private static string? ProblemOf(BindingAddress address)
    {
        bool isKnown = address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase) || address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        if (!isKnown || address.Port is < 0 or > 65535)
        {
            return NoAddress;
        }

        if (address.IsUnixPipe || address.IsNamedPipe)
        {
            return null;
        }

        // A host with a colon is a port that is no number, or an address of IPv6 without brackets: Kestrel would listen everywhere.
        bool isNoHost = address.Host.Length == 0 || address.Host.AsSpan().ContainsAny("@?#") || (!address.Host.StartsWith('[') && address.Host.Contains(':'));
        return isNoHost ? NoAddress
            : address.PathBase is not ("" or "/") ? "has a path; the API is served at the root: leave the path out, and let a proxy add it."
            : address.Port == 0 && address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                ? "asks for any free port of localhost, which has two addresses; write http://127.0.0.1:0."
            : null;
    }

    private static bool IsLoopback(string url)
    {
        var address = BindingAddress.Parse(url);
        string host = address.Host;
        return address.IsUnixPipe || address.IsNamedPipe || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
    }
}
