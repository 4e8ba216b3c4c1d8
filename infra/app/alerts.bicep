// This module makes an alert rule of each entry in ops/alerts/azure.yaml and mails the operators when one fires. main.bicep deploys it only when operators are
// named, because each rule costs money every month.
param location string
param tags object
param logAnalyticsWorkspaceId string
param databaseId string
param watchesFreeAmount bool
param operators string[]

var rules = loadYamlContent('../../ops/alerts/azure.yaml', 'rules')

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-finance-ingest'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'fin-ingest'
    emailReceivers: [
      for (address, i) in operators: {
        name: 'operator-${i}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: rule.alert
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.alert
      description: '${rule.summary} ${rule.runbook}'
      severity: rule.severity
      enabled: true
      scopes: [logAnalyticsWorkspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: rule.window
      autoMitigate: true
      // A Log Analytics table is created with its first row, so in a new workspace the queries can't be validated yet.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
    }
  }
]

// With AutoPause the database stops without an error of its own when the free amount is used up: transactions are taken, and none is scored until the next
// month. A fifth of the 100,000 vCore-seconds is 11 hours of an awake database. Azure emits the metric at most every 15 minutes.
resource freeAmount 'Microsoft.Insights/metricAlerts@2018-03-01' = if (watchesFreeAmount) {
  name: 'FinanceIngestFreeAmountLow'
  location: 'global'
  tags: tags
  properties: {
    description: 'Less than a fifth of the free vCore-seconds of the month is left. docs/operations.md#financeingestfreeamountlow'
    severity: 1
    enabled: true
    scopes: [databaseId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'left'
          metricNamespace: 'Microsoft.Sql/servers/databases'
          metricName: 'free_amount_remaining'
          timeAggregation: 'Minimum'
          operator: 'LessThan'
          threshold: 20000
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}
