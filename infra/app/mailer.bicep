// This module deploys the Logic App that mails alerts. The workflow's definition is loaded from logic-app/workflow.json, so that the tests read exactly what is
// deployed.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string
param identity identityType
param storageAccountName string
param enabled bool
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
    // Bicep's published type has no parameterValueSet. Without it the connection expects an account key.
    #disable-next-line BCP089
    parameterValueSet: { name: 'managedIdentityAuth', values: {} }
  }
}

// The mail is sent from a person's mailbox, and that person must consent once: open this connection in the portal and authorise it.
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
    // Without recipients, and before a person has authorised the mail connection, every run would fail. Until then alerts wait on their queue, from which
    // nothing expires.
    state: enabled ? 'Enabled' : 'Disabled'
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
      recipients: { value: recipients }
      currencySymbol: { value: currencySymbol }
      transactionLink: { value: transactionLink }
    }
  }
}

// The workflow's runs are logged, so that the rule for failed runs in ops/alerts/azure.yaml can find them.
resource runs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workflow
  name: 'runs'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logs: [{ category: 'WorkflowRuntime', enabled: true }]
  }
}
