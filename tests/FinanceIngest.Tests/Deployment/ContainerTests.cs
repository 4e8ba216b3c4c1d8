using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Deployment;

/// <summary>The container images, and how Docker runs them. <see cref="KubernetesTests"/> covers Kubernetes.</summary>
public sealed class ContainerTests
{
    private static readonly string[] s_dockerfile = File.ReadAllLines(Path.Combine(Repository.Root, "Dockerfile"));

    [Fact]
    public void Images_run_as_a_user_without_rights_and_have_no_shell()
    {
        string user = Assert.Single(s_dockerfile, line => line.StartsWith("USER ", StringComparison.Ordinal));
        Assert.Equal("USER 1654", user);
        int from = Array.FindIndex(s_dockerfile, line => line.EndsWith(" AS base", StringComparison.Ordinal));
        Assert.Contains("-chiseled", s_dockerfile[from], StringComparison.Ordinal);
        int next = Array.FindIndex(s_dockerfile, from + 1, line => line.StartsWith("FROM ", StringComparison.Ordinal));
        Assert.InRange(Array.IndexOf(s_dockerfile, user), from, next);
        foreach (string image in new[] { "cli", "intake", "worker" })
        {
            Assert.Contains($"FROM base AS {image}", s_dockerfile);
        }
    }

    [Fact]
    public void No_secret_is_built_into_an_image() => Assert.DoesNotContain(
        s_dockerfile.Where(line => line.StartsWith("ENV ", StringComparison.Ordinal) || line.StartsWith("ARG ", StringComparison.Ordinal)),
        line => new[] { "Secret", "Key", "CONNECTION" }.Any(word => line.Contains(word, StringComparison.OrdinalIgnoreCase)));

    [Theory]
    [InlineData("intake")]
    [InlineData("worker")]
    [InlineData("migrate")]
    [InlineData("cli")]
    public void Compose_runs_them_read_only_and_without_capabilities(string service)
    {
        object container = Assert.Single(Yaml.Documents("compose.yaml")).At($"services/{service}")!;
        Assert.Equal("true", container.Text("read_only"));
        Assert.Equal(["ALL"], container.List("cap_drop"));
        Assert.Equal(["no-new-privileges:true"], container.List("security_opt"));
        Assert.Null(container.At("privileged"));
        Assert.Null(container.At("user"));
    }
}
