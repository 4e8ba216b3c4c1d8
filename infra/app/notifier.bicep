// This module deploys the notifier on Container Apps: the worker's program with the role "notifier". The number of replicas follows the length of the alert
// queue and is 0 when the queue is empty; while messages wait, a marker on the queue keeps one replica running.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string
param identity identityType
param environmentId string
param registryName string
param storageAccountName string
param databaseServer string
param databaseName string
param vaultName string
param applicationInsightsName string
param image string
param settings { *: string }
param vaultReferences { *: string }

var roles = loadJsonContent('roles.json')
var queueNames = loadJsonContent('../names.json', 'queues')
var placeholder = 'mcr.microsoft.com/dotnet/samples:aspnetapp'

// A secret of the vault may be the value of several settings; the Container App refers to it under one name, in lower case.
var secretNames = union(map(items(vaultReferences), setting => toLower(setting.value)), [])
var vaultSecrets = map(secretNames, name => { name: name, keyVaultUrl: '${vault.properties.vaultUri}secrets/${name}', identity: identity.id })
var plainVariables = map(items(settings), setting => { name: setting.key, value: setting.value })
var secretVariables = map(items(vaultReferences), setting => { name: setting.key, secretRef: toLower(setting.value) })

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource alerts 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: queueNames.alerts
}

resource alertsPoison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: queueNames.alertsPoison
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

resource secrets 'Microsoft.KeyVault/vaults/secrets@2025-05-01' existing = [
  for name in secretNames: {
    parent: vault
    name: name
  }
]

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

// The notifier reads its own secrets, one by one, and so not the signing key beside them.
resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in secretNames: {
    scope: secrets[i]
    name: guid(vault.id, name, identity.principalId, roles.keyVaultSecretsUser)
    properties: {
      principalId: identity.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
    }
  }
]

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

// It receives and deletes alerts, and sends, extends and deletes the marker of open deliveries.
resource processesAlerts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alerts
  name: guid(alerts.id, identity.principalId, roles.storageQueueDataContributor)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

resource sendsPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: alertsPoison
  name: guid(alertsPoison.id, identity.principalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: 'ca-notifier-${token}'
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
      registries: [{ server: registry.properties.loginServer, identity: identity.id }]
      secrets: vaultSecrets
    }
    template: {
      // On SIGTERM a notifier finishes the attempts that it has in hand within 25 s.
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'notifier'
          image: empty(image) ? placeholder : image
          resources: { cpu: json('0.25'), memory: '0.5Gi' }
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: 7072 }
              periodSeconds: 6
              timeoutSeconds: 5
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: 7072 }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
          env: concat(plainVariables, secretVariables, [
            { name: 'ASPNETCORE_URLS', value: 'http://*:7072' }
            { name: 'AZURE_CLIENT_ID', value: identity.clientId }
            { name: 'AZURE_STORAGE_QUEUE_SERVICE_URI', value: storage.properties.primaryEndpoints.queue }
            {
              name: 'SQL_CONNECTION_STRING'
              value: 'Server=tcp:${databaseServer},1433;Database=${databaseName};Encrypt=Mandatory;Authentication=Active Directory Managed Identity;User ID=${identity.clientId}'
            }
            { name: 'FinanceIngest__Roles', value: 'notifier' }
            { name: 'FinanceIngest__Notify__ConsumeAlertQueue', value: 'true' }
            { name: 'FinanceIngest__InboundQueue', value: queueNames.inbound }
            { name: 'FinanceIngest__AlertQueue', value: queueNames.alerts }
            { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: applicationInsights.properties.ConnectionString }
          ])
        }
      ]
      scale: {
        minReplicas: 0
        maxReplicas: 3
        pollingInterval: 30
        cooldownPeriod: 300
        rules: [
          {
            name: 'alert-queue'
            // The length deliberately includes delayed messages: the marker of open deliveries keeps the last replica running.
            azureQueue: {
              accountName: storage.name
              queueName: queueNames.alerts
              queueLength: 500
              identity: identity.id
            }
          }
        ]
      }
    }
  }
  dependsOn: [pullsImages, readsSecrets, processesAlerts]
}
