namespace FinanceIngest.Configuration;

/// <summary>How a connection to a mail server is encrypted.</summary>
public enum MailSecurity
{
    /// <summary>It is not: for a relay on the same machine or in the same pod.</summary>
    None,

    /// <summary>The connection begins in the clear and changes to TLS; a server that can't is refused. Usually on port 587.</summary>
    StartTls,

    /// <summary>TLS from the first byte. Usually on port 465.</summary>
    Tls,
}
