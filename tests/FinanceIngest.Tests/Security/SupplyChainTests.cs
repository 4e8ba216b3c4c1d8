using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Security;

/// <summary>Every package of a build is pinned: a NuGet package to one exact version, an npm package to its hash.</summary>
public sealed partial class SupplyChainTests
{
    [Fact]
    public void Every_package_has_one_exact_version_in_one_place()
    {
        var central = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"));
        IEnumerable<XElement> switches = central.Descendants()
            .Where(node => node.Name.LocalName is "ManagePackageVersionsCentrally" or "CentralPackageTransitivePinningEnabled");
        Assert.Equal(["true", "true"], switches.Select(node => node.Value));
        Assert.All(central.Descendants("PackageVersion"), package => Assert.Matches(Exact(), (string)package.Attribute("Version")!));

        // Only the projects' own folders are searched: the Functions SDK generates another project in obj.
        string[] projects = [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src")).SelectMany(folder => Directory.GetFiles(folder, "*.csproj"))];
        Assert.NotEmpty(projects);
        Assert.All(projects.SelectMany(path => XDocument.Load(path).Descendants("PackageReference")), package =>
        {
            Assert.Null(package.Attribute("Version"));
            Assert.Null(package.Attribute("VersionOverride"));
        });
    }

    [Fact]
    public void Every_npm_package_has_its_hash()
    {
        foreach (string path in new[] { "tests/azurite/package-lock.json", "tests/deployment/package-lock.json", "tests/openapi/package-lock.json" })
        {
            using JsonDocument file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, path)));
            Assert.All(file.RootElement.GetProperty("packages").EnumerateObject().Where(package => package.Name.Length > 0), package =>
                Assert.StartsWith("sha512-", package.Value.GetProperty("integrity").GetString(), StringComparison.Ordinal));
        }
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$")]
    private static partial Regex Exact();
}
