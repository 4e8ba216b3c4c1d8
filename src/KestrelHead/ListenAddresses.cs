using System.Globalization;
using System.Net;
using FinanceIngest.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.KestrelHead;

/// <summary>Decides where a program listens, and whether it may listen there without keys.</summary>
public static class ListenAddresses
{
    /// <summary>Sets the default address, and refuses an open server on an address that others can reach.</summary>
    /// <exception cref="SettingsException">An address is malformed, or is not loopback while no keys are configured.</exception>
    public static void Configure(WebApplicationBuilder builder, Settings settings, int defaultPort)
    {
        List<(string Setting, string Url)> addresses = [.. Configured(builder.Configuration)];
        if (addresses.Count == 0)
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{defaultPort.ToString(CultureInfo.InvariantCulture)}");
        }

        foreach ((string setting, string url) in addresses)
        {
            if (!IsLoopback(setting, url) && !settings.HasCredentials && settings.Roles.HasFlag(Roles.Intake))
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
            KestrelLimits.Apply(kestrel.Limits);
            var places = new ConnectionPlaces(settings.MaximumConnections, TimeProvider.System);
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => places.ServeAsync(connection, next)));
        });
    }

    private static IEnumerable<(string Setting, string Url)> Configured(ConfigurationManager configuration)
    {
        List<(string, string)> addresses = [];
        foreach (string url in Split(configuration["urls"]))
        {
            addresses.Add(("ASPNETCORE_URLS", url));
        }

        foreach (IConfigurationSection endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (endpoint["Url"] is { } url)
            {
                addresses.Add(($"Kestrel__Endpoints__{endpoint.Key}__Url", url));
            }
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

    private static bool IsLoopback(string setting, string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            if (address.Port is < 0 or > 65535)
            {
                throw new FormatException("The port is out of range.");
            }

            string host = address.Host;
            return host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
        }
        catch (FormatException)
        {
            throw new SettingsException(setting, $"'{url}' is not an address such as http://127.0.0.1:7071.");
        }
    }
}
