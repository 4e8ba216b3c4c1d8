// The Logic App that mails alerts. The workflow itself is logic-app/workflow.json, so that the tests read exactly what is deployed.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string
param identity identityType
param storageAccountName string
param recipients string
param currencySymbol string
param transactionLink string
param logAnalyticsWorkspaceId string

var queueNames = loadJsonContent('../names.json', 'queues')

resource queues 'Microsoft.Web/connections@2016-06-01' = {
  name: 'azurequeues-${token}'
  location: location
  tags: tags
  properties: {
    displayName: 'Alert queue, by managed identity'
    api: { id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'azurequeues') }
    // The published type lacks it; without it the connection expects an account key.
    #disable-next-line BCP089
    parameterValueSet: { name: 'managedIdentityAuth', values: {} }
  }
}

// Mail is sent as a person, who has to consent once: open the connection in the portal and authorise it.
resource mail 'Microsoft.Web/connections@2016-06-01' = {
  name: 'office365-${token}'
  location: location
  tags: tags
  properties: {
    displayName: 'Mail of anomalies'
    api: { id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'office365') }
  }
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: 'logic-anomaly-alert-${token}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    // Without recipients every alert would end as poison.
    state: empty(recipients) ? 'Disabled' : 'Enabled'
    definition: loadJsonContent('../logic-app/workflow.json')
    parameters: {
      '$connections': {
        value: {
          azurequeues: {
            id: queues.properties.api.id
            connectionId: queues.id
            connectionName: queues.name
            connectionProperties: {
              authentication: { type: 'ManagedServiceIdentity', identity: identity.id }
            }
          }
          office365: {
            id: mail.properties.api.id
            connectionId: mail.id
            connectionName: mail.name
          }
        }
      }
      storageAccount: { value: storageAccountName }
      alertQueue: { value: queueNames.alerts }
      poisonQueue: { value: queueNames.alertsPoison }
      recipients: { value: recipients }
      currencySymbol: { value: currencySymbol }
      transactionLink: { value: transactionLink }
    }
  }
}

// Its runs, so that a rule can watch for those that fail: ops/alerts/azure.yaml.
resource runs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workflow
  name: 'runs'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logs: [{ category: 'WorkflowRuntime', enabled: true }]
  }
}
