using System.Globalization;
using FinanceIngest.Configuration;

namespace FinanceIngest.Tests.Deployment;

/// <summary>Compares k8s/ with the code. <c>.ci/run deployment</c> renders the manifests and checks them against the schemas of Kubernetes and KEDA.</summary>
public sealed class KubernetesTests
{
    private static readonly List<object> s_base =
    [
        .. Directory.GetFiles(Path.Combine(Support.Repository.Root, "k8s", "base"), "*.yaml")
            .Where(path => !path.EndsWith("kustomization.yaml", StringComparison.Ordinal))
            .SelectMany(Yaml.Documents),
    ];

    public static TheoryData<string, string, ProgramKind> Programs { get; } = new()
    {
        { "local", "Deployment/intake", ProgramKind.IngestServer },
        { "local", "Deployment/worker", ProgramKind.ScoringWorker },
        { "local", "Job/migrate", ProgramKind.Cli },
        { "azure", "Deployment/intake", ProgramKind.IngestServer },
        { "azure", "Deployment/worker", ProgramKind.ScoringWorker },
        { "azure", "Job/migrate", ProgramKind.Cli },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public void Programs_take_their_environment(string overlay, string workload, ProgramKind program)
    {
        Settings settings = DeployedSettings.Read(Environment(overlay, workload), program);
        DeployedSettings.AssertQueues(settings);
        if (program == ProgramKind.IngestServer)
        {
            Assert.Equal(Roles.Intake, settings.Roles);
            Assert.NotEmpty(settings.ApiKeys);
        }
    }

    [Theory]
    [InlineData("azure", "AZURE_STORAGE_QUEUE_SERVICE_URI")]
    [InlineData("azure", "SQL_CONNECTION_STRING")]
    [InlineData("local", "FinanceIngest__IdSigningKey")]
    [InlineData("local", "FinanceIngest__InboundQueue")]
    public void A_misspelt_setting_is_noticed(string overlay, string name) =>
        Assert.ThrowsAny<Exception>(() => DeployedSettings.Read(Environment(overlay, "Deployment/worker").Misspelt(name), ProgramKind.ScoringWorker));

    [Fact]
    public void Keda_counts_the_inbound_queue_and_what_is_leased_or_delayed_on_it()
    {
        object trigger = Find("ScaledObject/worker").At("spec/triggers/0")!;
        Assert.Equal(DeployedSettings.Unset.InboundQueue, trigger.Text("metadata/queueName"));
        Assert.Equal("all", trigger.Text("metadata/queueLengthStrategy"));
        Assert.Equal("0", trigger.Text("metadata/activationQueueLength"));
        Assert.Equal("worker", Find("ScaledObject/worker").Text("spec/scaleTargetRef/name"));
    }

    [Fact]
    public void Keda_is_one_that_falls_back_from_zero_workers()
    {
        // https://github.com/kedacore/keda/issues/7239, in its changelog under 2.19.0.
        Assert.Equal("1", Find("ScaledObject/worker").Text("spec/fallback/replicas"));
        string page = File.ReadAllText(Path.Combine(Support.Repository.Root, "docs", "kubernetes.md"));
        Assert.Contains("KEDA](https://keda.sh) 2.19 or newer", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Telemetry_has_somewhere_to_go_in_Azure_and_may_go_there()
    {
        Dictionary<string, string> environment = Environment("azure", "Deployment/worker");
        Assert.NotEmpty(environment["APPLICATIONINSIGHTS_CONNECTION_STRING"]);
        var collector = new Uri(environment["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        object rule = Yaml.Documents("k8s/overlays/azure/network.yaml").Single(policy => policy.Text("metadata/name") == "to-collector").At("spec/egress/0")!;
        Assert.Equal(collector.Host.Split('.')[1], rule.Text("to/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name"));
        Assert.Contains(rule.List("ports"), port => port.Text("port") == collector.Port.ToString(CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("Deployment/intake", 7071)]
    [InlineData("Deployment/worker", 7072)]
    public void Ports_are_those_of_the_images(string workload, int port)
    {
        object pod = Find(workload).At("spec/template/spec")!;
        string image = pod.Text("containers/0/image")!;
        Assert.Equal(port.ToString(CultureInfo.InvariantCulture), pod.Text("containers/0/ports/0/containerPort"));
        string dockerfile = File.ReadAllText(Path.Combine(Support.Repository.Root, "Dockerfile"));
        string stage = dockerfile[dockerfile.IndexOf($"FROM base AS {image["finance-ingest-".Length..]}\n", StringComparison.Ordinal)..];
        Assert.StartsWith($"ENV ASPNETCORE_URLS=http://*:{port}", stage.Split('\n')[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Deployment/intake")]
    [InlineData("Deployment/worker")]
    public void Probes_ask_for_what_the_programs_answer(string workload)
    {
        object container = Find(workload).At("spec/template/spec/containers/0")!;
        foreach ((string probe, string path) in new[] { ("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz") })
        {
            Assert.Equal(path, container.Text($"{probe}/httpGet/path"));
            Assert.Equal(container.Text("ports/0/name"), container.Text($"{probe}/httpGet/port"));
        }
    }

    [Fact]
    public void Every_program_has_its_identity_in_Azure_and_Keda_has_its_own()
    {
        IReadOnlyList<object> identities = Yaml.Documents("k8s/overlays/azure/identities.yaml");
        string[] accounts = [.. s_base.Where(manifest => manifest.Text("kind") == "ServiceAccount").Select(manifest => manifest.Text("metadata/name")!)];
        Assert.Equal(accounts.Order(), identities.Select(account => account.Text("metadata/name")!).Order());
        Assert.All(
            new[] { "Deployment/intake", "Deployment/worker", "Job/migrate" },
            workload => Assert.Equal(workload.Split('/')[1], Find(workload).Text("spec/template/spec/serviceAccountName")));

        // The webhook that injects tokens acts on pods that have this label.
        object kustomization = Assert.Single(Yaml.Documents("k8s/overlays/azure/kustomization.yaml"));
        string[] labelled = [.. kustomization.List("patches")
            .Where(patch => patch.Text("patch")?.Contains("/spec/template/metadata/labels/azure.workload.identity~1use", StringComparison.Ordinal) == true)
            .SelectMany(patch => patch.Text("target/name")!.Split('|'))];
        Assert.Equal(accounts.Order(), labelled.Order());
        // With a program's identity KEDA could delete messages and write to the database; reading the queue's length needs neither.
        Assert.DoesNotContain(
            Assert.Single(Yaml.Documents("k8s/overlays/azure/keda.yaml")).Text("spec/podIdentity/identityId"),
            identities.Select(account => account.Map("metadata/annotations")["azure.workload.identity/client-id"]));
        string page = File.ReadAllText(Path.Combine(Support.Repository.Root, "docs", "kubernetes.md"));
        Assert.Contains("--role 'Storage Queue Data Reader'", page, StringComparison.Ordinal);
        Assert.Contains("ALTER ROLE db_owner ADD MEMBER [id-migrate]", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Deployment/intake")]
    [InlineData("Deployment/worker")]
    public void A_stop_has_more_time_than_the_program_takes(string workload)
    {
        object pod = Find(workload).At("spec/template/spec")!;
        int grace = int.Parse(pod.Text("terminationGracePeriodSeconds")!, CultureInfo.InvariantCulture);
        int before = int.Parse(pod.Text("containers/0/lifecycle/preStop/sleep/seconds") ?? "0", CultureInfo.InvariantCulture);
        Assert.True(grace - before > Deadlines.Stop.TotalSeconds, $"{grace} s less {before} s");
    }

    [Theory]
    [InlineData("Deployment/intake")]
    [InlineData("Deployment/worker")]
    [InlineData("Job/migrate")]
    public void Pods_keep_to_the_restricted_profile(string workload)
    {
        object pod = Find(workload).At("spec/template/spec")!;
        Assert.Equal("true", pod.Text("securityContext/runAsNonRoot"));
        Assert.Equal("1654", pod.Text("securityContext/runAsUser"));
        Assert.Equal("RuntimeDefault", pod.Text("securityContext/seccompProfile/type"));
        Assert.Equal("false", pod.Text("automountServiceAccountToken"));
        object container = Assert.Single(pod.List("containers"));
        Assert.Equal("false", container.Text("securityContext/allowPrivilegeEscalation"));
        Assert.Equal("true", container.Text("securityContext/readOnlyRootFilesystem"));
        Assert.Equal("ALL", container.Text("securityContext/capabilities/drop/0"));
        Assert.NotNull(container.Text("resources/limits/memory"));
    }

    private static object Find(string workload) =>
        Assert.Single(s_base, manifest => $"{manifest.Text("kind")}/{manifest.Text("metadata/name")}" == workload);

    /// <summary>Returns the environment of a container: the generators of base and overlay, overridden by the container's own variables.</summary>
    private static Dictionary<string, string> Environment(string overlay, string workload)
    {
        var sources = new Dictionary<string, Dictionary<string, string>>
        {
            // An operator makes these two secrets in Azure by hand, as docs/kubernetes.md describes.
            ["signing-key"] = new() { ["FinanceIngest__IdSigningKey"] = "secret" },
            ["api-keys"] = new() { ["FinanceIngest__ApiKeys__name__Secret"] = "secret" },
        };
        foreach (string folder in new[] { "k8s/base", $"k8s/overlays/{overlay}" })
        {
            object kustomization = Assert.Single(Yaml.Documents($"{folder}/kustomization.yaml"));
            foreach (object generator in kustomization.List("configMapGenerator").Concat(kustomization.List("secretGenerator")))
            {
                string name = generator.Text("name")!;
                Dictionary<string, string> source = generator.Text("behavior") == "merge" ? sources[name] : sources[name] = [];
                foreach (string[] literal in generator.List("literals").Select(text => ((string)text).Split('=', 2)))
                {
                    source[literal[0]] = literal[1];
                }
            }
        }

        var environment = new Dictionary<string, string>();
        object container = Find(workload).At("spec/template/spec/containers/0")!;
        foreach (object from in container.List("envFrom"))
        {
            foreach ((string name, string value) in sources[(from.Text("configMapRef/name") ?? from.Text("secretRef/name"))!])
            {
                environment[name] = value;
            }
        }

        foreach (object variable in container.List("env"))
        {
            environment[variable.Text("name")!] = variable.Text("value")!;
        }

        return environment;
    }
}
