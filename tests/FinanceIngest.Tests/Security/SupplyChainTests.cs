using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FinanceIngest.Tests.Deployment;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Security;

/// <summary>Every package of a build is pinned to the hash of its content, every base image to its digest, and what is published is what was tested.</summary>
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
        foreach (string folder in new[] { "azurite", "deployment", "openapi", "pyright" })
        {
            using JsonDocument file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", folder, "package-lock.json")));
            Assert.All(file.RootElement.GetProperty("packages").EnumerateObject().Where(package => package.Name.Length > 0), package =>
                Assert.StartsWith("sha512-", package.Value.GetProperty("integrity").GetString(), StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_project_has_a_lock_file_with_hashes_and_CI_restores_nothing_else()
    {
        // bicep.csproj names a single package that the programs don't contain; it is restored into a folder of its own.
        string[] projects =
        [
            .. new[] { "src", "tests", "bench" }
                .SelectMany(folder => Directory.GetDirectories(Path.Combine(Repository.Root, folder)))
                .SelectMany(folder => Directory.GetFiles(folder, "*.csproj")),
        ];
        Assert.NotEmpty(projects);
        Assert.All(projects, project =>
        {
            using JsonDocument file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")));
            IEnumerable<JsonProperty> packages = file.RootElement.GetProperty("dependencies").EnumerateObject()
                .SelectMany(framework => framework.Value.EnumerateObject())
                .Where(package => package.Value.GetProperty("type").GetString() != "Project");
            Assert.All(packages, package => Assert.Equal(64, Convert.FromBase64String(package.Value.GetProperty("contentHash").GetString()!).Length));
        });

        XElement locked = Assert.Single(XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("RestoreLockedMode"));
        Assert.Equal("true", locked.Value);
        Assert.Equal("'$(CI)' == 'true'", (string?)locked.Attribute("Condition"));
    }

    [Theory]
    [InlineData("Dockerfile")]
    [InlineData("compose.yaml")]
    [InlineData(".devcontainer/devcontainer.json")]
    [InlineData("tests/FinanceIngest.Tests/Storage/SqlServerInstance.cs")]
    [InlineData("tests/FinanceIngest.Tests/Support/AzuriteFixture.cs")]
    public void Every_image_of_a_registry_has_its_digest(string file)
    {
        MatchCollection images = RegistryImage().Matches(File.ReadAllText(Path.Combine(Repository.Root, file)));
        Assert.NotEmpty(images);
        Assert.All(images, image => Assert.Matches("@sha256:[0-9a-f]{64}$", image.Value));
    }

    [Fact]
    public void The_same_image_has_the_same_digest_everywhere()
    {
        string[] files =
        [
            "Dockerfile", "compose.yaml", ".devcontainer/devcontainer.json", "tests/FinanceIngest.Tests/Storage/SqlServerInstance.cs",
            "tests/FinanceIngest.Tests/Support/AzuriteFixture.cs",
        ];
        IEnumerable<string> images = files
            .SelectMany(file => RegistryImage().Matches(File.ReadAllText(Path.Combine(Repository.Root, file))))
            .Select(image => image.Value);
        Assert.All(images.Distinct().GroupBy(image => image[..image.IndexOf('@', StringComparison.Ordinal)]), tag => Assert.Single(tag));
    }

    [Fact]
    public void A_tag_publishes_the_archives_that_were_started_and_signs_where_they_came_from()
    {
        object jobs = Assert.Single(Yaml.Documents(".github/workflows/ci.yml")).At("jobs")!;
        string workflow = File.ReadAllText(Path.Combine(Repository.Root, ".github/workflows/ci.yml"));
        string publish = workflow[workflow.IndexOf("\n  publish:\n", StringComparison.Ordinal)..];
        Assert.Equal(["test", "images"], jobs.List("publish/needs"));
        Assert.DoesNotContain("build-push-action", publish, StringComparison.Ordinal);
        Assert.Contains("skopeo copy --all --digestfile", publish, StringComparison.Ordinal);
        Assert.Contains("uses: actions/attest-build-provenance@", publish, StringComparison.Ordinal);
        Assert.Equal("write", jobs.Text("publish/permissions/id-token"));
        Assert.Equal("write", jobs.Text("publish/permissions/attestations"));
        int started = workflow.IndexOf(".ci/try_image.sh", StringComparison.Ordinal);
        Assert.InRange(started, 0, workflow.IndexOf("name: image-${{ matrix.image }}", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_action_has_its_commit()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, ".github/workflows"), "*.yml"))
        {
            MatchCollection uses = ActionUse().Matches(File.ReadAllText(file));
            Assert.NotEmpty(uses);
            Assert.All(uses, use => Assert.Matches(@"@[0-9a-f]{40} # v\d", use.Value));
        }
    }

    [GeneratedRegex(@"(?:mcr\.microsoft\.com|ghcr\.io|docker\.io)/(?!devcontainers/)[\w./-]+:[\w.-]+(?:@sha256:\w+)?")]
    private static partial Regex RegistryImage();

    [GeneratedRegex(@"uses: .+")]
    private static partial Regex ActionUse();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$")]
    private static partial Regex Exact();
}
