namespace FinanceIngest.Commands;

/// <summary>An address of a user's own, to which his alerts go too, is added.</summary>
/// <param name="Id">The command's own id, and the destination's.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="Channel"><c>smtp</c> or <c>webpush</c>.</param>
/// <param name="Address">With <c>smtp</c> the mail address, with <c>webpush</c> the endpoint of the subscription; 1 … 2,048 characters.</param>
/// <param name="PublicKey">With <c>webpush</c> the subscription's key <c>p256dh</c>, in base64url; else null.</param>
/// <param name="Secret">With <c>webpush</c> the subscription's <c>auth</c>, in base64url; else null.</param>
internal sealed record DestinationCommand(
    Guid Id, DateTime AcceptedAt, long UserId, string Channel, string Address, string? PublicKey, string? Secret) : Command(Id, AcceptedAt)
{
    /// <summary>The most characters of an address.</summary>
    public const int LongestAddress = 2048;

    /// <summary>The most characters of a key.</summary>
    public const int LongestKey = 256;

    /// <summary>The channel of mail.</summary>
    public const string Smtp = "smtp";

    /// <summary>The channel of browsers (RFC 8030).</summary>
    public const string WebPush = "webpush";
}
