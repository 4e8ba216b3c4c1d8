using System.Globalization;

namespace FinanceIngest.Notifications;

/// <summary>Makes the link to an alert's transaction.</summary>
/// <param name="template">The address with <c>{transaction_id}</c> and others in it; null: there is no link but one that an alert brings along.</param>
internal sealed class LinkMaker(string? template)
{
    /// <summary>Returns the alert with its link: the one that it brings along, or else the template's.</summary>
    public NotifiedAlert WithLink(NotifiedAlert alert) => alert.Link is not null || template is null ? alert : alert with { Link = Fill(alert) };

    private string? Fill(NotifiedAlert alert) =>
        alert.TransactionId is null && template!.Contains("{transaction_id}", StringComparison.Ordinal) ? null : template!
            .Replace("{transaction_id}", alert.TransactionId?.ToString("D"), StringComparison.Ordinal)
            .Replace("{alert_id}", alert.AlertId.ToString("D"), StringComparison.Ordinal)
            .Replace("{user_id}", alert.UserId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{category_id}", alert.CategoryId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
