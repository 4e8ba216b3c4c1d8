// This module deploys the HTTP intake, src/IngestFunction, on Flex Consumption.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string
param identity identityType
param storageAccountName string
param deploymentContainerName string
param databaseServer string
param databaseName string
param signingKeyUri string
param keysVaultUri string
param applicationInsightsName string
param operatorSettings { *: string }
param memory int
param concurrency int
param maxInstances int
param updates string
param subnetId string

var roles = loadJsonContent('roles.json')
var queueNames = loadJsonContent('../names.json', 'queues')

// An eighth of the instance's memory. The program's default would be 256 MiB, because an instance does not tell .NET how much memory it may have.
var memorySettings = { FinanceIngest__Intake__MaximumBytesInFlight: string(memory / 8 * 1048576) }

// Without these settings the host keeps its keys in its storage account, encrypted, in a container to which it has the rights anyway.
var keySettings = empty(keysVaultUri) ? {} : {
  AzureWebJobsSecretStorageType: 'keyvault'
  AzureWebJobsSecretStorageKeyVaultUri: keysVaultUri
  AzureWebJobsSecretStorageKeyVaultClientId: identity.clientId
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
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

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'intake' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainerName}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      scaleAndConcurrency: {
        instanceMemoryMB: memory
        maximumInstanceCount: maxInstances
        // Without this, an instance of 512 MB gets 4 requests at a time and one of 2 GB gets 16 (functions-concurrency in Azure's documentation), and each
        // long poll of 30 s keeps one of these places. A request mostly waits, and memory is limited by bytes, not by the number of requests.
        triggers: { http: { perInstanceConcurrency: concurrency } }
      }
      // https://learn.microsoft.com/azure/azure-functions/flex-consumption-site-updates. The published type of this API version lacks the property.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: updates }
    }
    // minTlsVersion must be the only site setting: Flex Consumption rejects the whole deployment (error 51021) if it has settings of other plans, such as
    // ftpsState. The publishing policies below turn FTP off.
    siteConfig: { minTlsVersion: '1.2' }
  }

  resource settings 'config' = {
    name: 'appsettings'
    // This resource replaces all settings of the app. What an operator sets must therefore come from "operatorSettings", or the next deployment would reset it.
    properties: union(memorySettings, operatorSettings, keySettings, {
      // The Functions host reads these settings.
      AzureWebJobsStorage__accountName: storage.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
      // FinanceIngest reads these settings (docs/configuration.md). FinanceIngest__ApiKeys is deliberately absent: the Functions host checks the keys that it
      // keeps.
      AZURE_CLIENT_ID: identity.clientId
      AZURE_STORAGE_QUEUE_SERVICE_URI: storage.properties.primaryEndpoints.queue
      SQL_CONNECTION_STRING: 'Server=tcp:${databaseServer},1433;Database=${databaseName};Encrypt=Mandatory;Authentication=Active Directory Managed Identity;User ID=${identity.clientId}'
      FinanceIngest__IdSigningKey: '@Microsoft.KeyVault(SecretUri=${signingKeyUri})'
      FinanceIngest__InboundQueue: queueNames.inbound
      FinanceIngest__AlertQueue: queueNames.alerts
    })
  }

  // Deployments authenticate with Entra identities: both kinds of publishing password are off.
  resource noFtp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource noPublishingPassword 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

output url string = 'https://${app.properties.defaultHostName}'
