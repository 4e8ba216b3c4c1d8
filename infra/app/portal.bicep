// This module deploys the portal on Container Apps: IngestServer, whose page shows operators and analysts what happens (docs/page.md). It takes requests only:
// the worker scores. People sign in with Entra ID; the API takes no request without a token. Nobody looks: no replica runs.
import { identityType } from 'types.bicep'

param location string
param tags object
param name string
param identity identityType
param environmentId string
param registryName string
param storageAccountName string
param databaseServer string
param databaseName string
param signingKeyUri string
param applicationInsightsName string
param image string
param url string
param settings { *: string }

var roles = loadJsonContent('roles.json')
var queueNames = loadJsonContent('../names.json', 'queues')

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource inbound 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: queueNames.inbound
}

resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: queueNames.poison
}

resource alerts 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: queueNames.alerts
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource pullsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, identity.principalId, roles.acrPull)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}

resource publishesTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: applicationInsights
  name: guid(applicationInsights.id, identity.principalId, roles.monitoringMetricsPublisher)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

// It checks that each queue exists and reads its length.
resource readsQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, identity.principalId, roles.storageQueueDataReader)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataReader)
  }
}

// It sends transactions, verdicts and messages that are put back.
resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: inbound
  name: guid(inbound.id, identity.principalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

// It takes messages that are put back or dropped from the poison queue.
resource redrives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: poison
  name: guid(poison.id, identity.principalId, roles.storageQueueDataContributor)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

// It wakes the notifier where a notification is sent again.
resource wakesNotifier 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alerts
  name: guid(alerts.id, identity.principalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: { external: true, targetPort: 7071, transport: 'auto', allowInsecure: false }
      registries: [{ server: registry.properties.loginServer, identity: identity.id }]
      secrets: [{ name: 'id-signing-key', keyVaultUrl: signingKeyUri, identity: identity.id }]
    }
    template: {
      // On SIGTERM the server answers what it has in hand within 25 s.
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'portal'
          image: image
          resources: { cpu: json('0.5'), memory: '1Gi' }
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: 7071 }
              periodSeconds: 1
              timeoutSeconds: 5
              failureThreshold: 10
              initialDelaySeconds: 1
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: 7071 }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: 7071 }
              periodSeconds: 10
              timeoutSeconds: 6
              failureThreshold: 3
            }
          ]
          env: concat(map(items(settings), setting => { name: setting.key, value: setting.value }), [
            { name: 'ASPNETCORE_URLS', value: 'http://*:7071' }
            { name: 'AZURE_CLIENT_ID', value: identity.clientId }
            { name: 'AZURE_STORAGE_QUEUE_SERVICE_URI', value: storage.properties.primaryEndpoints.queue }
            {
              name: 'SQL_CONNECTION_STRING'
              value: 'Server=tcp:${databaseServer},1433;Database=${databaseName};Encrypt=Mandatory;Authentication=Active Directory Managed Identity;User ID=${identity.clientId}'
            }
            { name: 'FinanceIngest__IdSigningKey', secretRef: 'id-signing-key' }
            { name: 'FinanceIngest__Roles', value: 'intake' }
            { name: 'FinanceIngest__PublicUrl', value: url }
            { name: 'FinanceIngest__InboundQueue', value: queueNames.inbound }
            { name: 'FinanceIngest__AlertQueue', value: queueNames.alerts }
            { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: applicationInsights.properties.ConnectionString }
          ])
        }
      ]
      // One replica: its figures of the last minutes, and the browsers that follow it, are of one process.
      scale: {
        minReplicas: 0
        maxReplicas: 1
        cooldownPeriod: 300
        pollingInterval: 30
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '100' } } }]
      }
    }
  }
  dependsOn: [pullsImages]
}
