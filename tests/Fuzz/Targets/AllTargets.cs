using FinanceIngest.Cli.Baselines;
using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>The targets, one for each parser of the system.</summary>
internal static class AllTargets
{
    /// <summary>Makes all targets.</summary>
    public static IReadOnlyList<FuzzTarget> Create() =>
    [
        new MoneyTarget(), new TimestampTarget(), new SubmitTarget(), new BatchTarget(), new StatusTarget(), new StatsTarget(), new HeadersTarget(),
        new QueryTarget(), new RequestTarget(),
        new InboundTarget(), new PackedTarget(), new BaselineFileTarget(BaselineFileFormat.Csv), new BaselineFileTarget(BaselineFileFormat.Json),
        new BaselineFileTarget(BaselineFileFormat.Pickle),
        new SubmitFileTarget(isCsv: true), new SubmitFileTarget(isCsv: false), new SqlConnectionTarget(), new SettingsTarget(),
    ];
}
