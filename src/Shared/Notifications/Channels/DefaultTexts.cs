namespace FinanceIngest.Notifications.Channels;

/// <summary>The templates of a channel that sets none: the older system's mail, with the sentence and the link of newer alerts.</summary>
internal static class DefaultTexts
{
    /// <summary>The subject of a mail, and the title elsewhere.</summary>
    public const string Subject =
        """{% if count == 1 %}Anomaly Detected in Finance Tracker{% else %}{{ count }} Anomalies Detected in Finance Tracker{% endif %}""";

    /// <summary>The text of a mail.</summary>
    public const string Mail =
        """
        {% if count == 1 %}An unusual transaction was detected.{% else %}{{ count }} unusual transactions were detected.{% endif %}
        {% for alert in alerts limit: 50 %}
        {% if alert.explanation %}{{ alert.explanation }}
        {% endif %}User ID: {{ alert.user_id }}
        Category ID: {{ alert.category_id }}
        Amount: {{ currency }}{{ alert.amount | format_number: "#,##0.####" }}
        Z-score: {{ alert.z_score | format_number: "0.0##" }}
        Baseline: {% if alert.mean == nil %}not given{% else %}mean {{ currency }}{{ alert.mean | format_number: "#,##0.##" -}}
        , standard deviation {{ currency }}{{ alert.std_dev | format_number: "#,##0.##" }}{% endif %}
        Occurred at: {{ alert.occurred_at | default: "not given" }}
        {% if alert.link %}{{ alert.link }}
        {% endif %}{% endfor %}{% if count > 50 %}
        … and {{ count | minus: 50 }} more.
        {% endif %}
        Please review {% if count == 1 %}this transaction{% else %}these transactions{% endif %}.
        """;

    /// <summary>The HTML of a mail.</summary>
    public const string Html =
        """
        <p>{% if count == 1 %}An unusual transaction was detected.{% else %}{{ count }} unusual transactions were detected.{% endif %}</p>
        {% for alert in alerts limit: 50 %}{% if alert.explanation %}<p>{{ alert.explanation }}</p>
        {% endif %}<p>User ID: {{ alert.user_id }}<br>Category ID: {{ alert.category_id -}}
        <br>Amount: {{ currency }}{{ alert.amount | format_number: "#,##0.####" -}}
        <br>Z-score: {{ alert.z_score | format_number: "0.0##" -}}
        <br>Baseline: {% if alert.mean == nil %}not given{% else %}mean {{ currency }}{{ alert.mean | format_number: "#,##0.##" -}}
        , standard deviation {{ currency }}{{ alert.std_dev | format_number: "#,##0.##" }}{% endif -%}
        <br>Occurred at: {{ alert.occurred_at | default: "not given" }}</p>
        {% if alert.link %}<p><a href="{{ alert.link }}">Transaction {{ alert.transaction_id }}</a></p>
        {% endif %}{% endfor %}{% if count > 50 %}<p>… and {{ count | minus: 50 }} more.</p>
        {% endif %}<p>Please review {% if count == 1 %}this transaction{% else %}these transactions{% endif %}.</p>
        """;

    /// <summary>The text where there is little room.</summary>
    public const string Short =
        """
        {% for alert in alerts limit: 10 -%}
        {% if alert.explanation %}{{ alert.explanation }} {% endif -%}
        {{ currency }}{{ alert.amount | format_number: "#,##0.####" }} in category {{ alert.category_id }} of user {{ alert.user_id }}
        {%- if alert.link %} {{ alert.link }}{% endif %}
        {% endfor -%}
        {% if count > 10 %}… and {{ count | minus: 10 }} more.{% endif %}
        """;
}
