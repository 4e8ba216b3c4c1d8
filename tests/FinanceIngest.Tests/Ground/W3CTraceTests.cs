using FinanceIngest.Ground;

namespace FinanceIngest.Tests.Ground;

/// <summary>W3C Trace Context, section 3.2, and its rules for versions that are not known yet.</summary>
public sealed class W3CTraceTests
{
    private const string Ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

    [Theory]
    [InlineData($"00-{Ids}-01")]
    [InlineData($"00-{Ids}-00")]
    [InlineData($"00-{Ids}-03")]
    public void A_context_of_this_version_is_taken_as_it_is(string text) => Assert.Equal(text, W3CTrace.Read(text));

    [Theory]
    [InlineData($"01-{Ids}-01", "01")]
    [InlineData($"01-{Ids}-01-extra", "01")]
    [InlineData($"cc-{Ids}-03-what-the-future-will-be-like", "01")]
    [InlineData($"fe-{Ids}-fe-", "00")]
    public void A_later_version_gives_its_ids_and_whether_it_is_sampled(string text, string flags) =>
        Assert.Equal($"00-{Ids}-{flags}", W3CTrace.Read(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData($"00-{Ids}-01-extra")]
    [InlineData($"00-{Ids}-01-")]
    [InlineData($"01-{Ids}-01extra")]
    [InlineData($"01-{Ids}-01.extra")]
    [InlineData($"ff-{Ids}-01")]
    [InlineData($"FE-{Ids}-01")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    [InlineData($"00-{Ids}-0g")]
    [InlineData($"00_{Ids}-01")]
    [InlineData($"00-{Ids}-01, 00-{Ids}-01")]
    [InlineData($" 00-{Ids}-01")]
    [InlineData($"|{Ids}.1.")]
    public void Everything_else_is_none(string? text) => Assert.Null(W3CTrace.Read(text));
}
