// This module deploys the scoring worker on Container Apps. The number of replicas follows the length of the inbound queue and is 0 when the queue is empty.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string
param identity identityType
param storageAccountName string
param databaseServer string
param databaseName string
param signingKeyUri string
param vaultUri string
param applicationInsightsName string
param logAnalyticsWorkspaceId string
param name string
param image string
param settings { *: string }
param vaultReferences { *: string }
param minReplicas int
param maxReplicas int
param queueLength int
param subnetId string
param portalName string

var roles = loadJsonContent('roles.json')
var queueNames = loadJsonContent('../names.json', 'queues')

// There is no worker image until azd has built one. azd then replaces the image and nothing else, so this placeholder must pass the worker's probes.
// Microsoft's ASP.NET Core sample does: it answers /healthz at the address in ASPNETCORE_URLS.
var placeholder = 'mcr.microsoft.com/dotnet/samples:aspnetapp'

// A secret of the vault may be the value of several settings; the Container App refers to it under one name, in lower case.
var secretNames = union(map(items(vaultReferences), setting => toLower(setting.value)), [])
var vaultSecrets = map(secretNames, name => { name: name, keyVaultUrl: '${vaultUri}secrets/${name}', identity: identity.id })
var plainVariables = map(items(settings), setting => { name: setting.key, value: setting.value })
var secretVariables = map(items(vaultReferences), setting => { name: setting.key, secretRef: toLower(setting.value) })

// The portal's address is known before the portal is: what alerts link to.
var portalUrl = empty(portalName) ? '' : 'https://${portalName}.${containerEnvironment.properties.defaultDomain}'
var links = empty(portalName) || contains(settings, 'FinanceIngest__Notify__LinkTemplate')
  ? []
  : [{ name: 'FinanceIngest__Notify__LinkTemplate', value: '${portalUrl}/#/transactions/{transaction_id}' }]

// There is no readiness probe because no traffic is routed to the worker. Container Apps documents 10 as the maximum of failureThreshold.
var probes = [
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

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: 'cr${token}'
  location: location
  tags: tags
  sku: { name: 'Basic' }
  properties: { adminUserEnabled: false }
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

resource containerEnvironment 'Microsoft.App/managedEnvironments@2025-07-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    // The logs go through the diagnostic setting below: the destination "log-analytics" would need the workspace's key.
    appLogsConfiguration: { destination: 'azure-monitor' }
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: true }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
  }
}

resource containerLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: containerEnvironment
  name: 'logs'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'worker' })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: containerEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [{ server: registry.properties.loginServer, identity: identity.id }]
      secrets: concat([{ name: 'id-signing-key', keyVaultUrl: signingKeyUri, identity: identity.id }], vaultSecrets)
    }
    template: {
      // On SIGTERM a worker finishes or releases the messages that it holds within 25 s.
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'worker'
          image: empty(image) ? placeholder : image
          resources: { cpu: json('0.5'), memory: '1Gi' }
          probes: probes
          // A deployment replaces all variables, so what an operator sets must come from "settings".
          env: concat(plainVariables, secretVariables, links, [
            { name: 'ASPNETCORE_URLS', value: 'http://*:7072' }
            { name: 'AZURE_CLIENT_ID', value: identity.clientId }
            { name: 'AZURE_STORAGE_QUEUE_SERVICE_URI', value: storage.properties.primaryEndpoints.queue }
            {
              name: 'SQL_CONNECTION_STRING'
              value: 'Server=tcp:${databaseServer},1433;Database=${databaseName};Encrypt=Mandatory;Authentication=Active Directory Managed Identity;User ID=${identity.clientId}'
            }
            { name: 'FinanceIngest__IdSigningKey', secretRef: 'id-signing-key' }
            { name: 'FinanceIngest__InboundQueue', value: queueNames.inbound }
            { name: 'FinanceIngest__AlertQueue', value: queueNames.alerts }
            { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: applicationInsights.properties.ConnectionString }
          ])
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        pollingInterval: 30
        cooldownPeriod: 300
        rules: [
          {
            name: 'inbound-queue'
            // The length deliberately includes leased and delayed messages: the delayed marker for unsent alerts keeps the last replica running.
            azureQueue: {
              accountName: storage.name
              queueName: queueNames.inbound
              queueLength: queueLength
              identity: identity.id
            }
          }
        ]
      }
    }
  }
  dependsOn: [pullsImages]
}

output registry string = registry.properties.loginServer
output registryName string = registry.name
output environmentId string = containerEnvironment.id
output portalUrl string = portalUrl
