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
param applicationInsightsName string
param protectFromPurge bool

var roles = loadJsonContent('roles.json')
var queueNames = loadJsonContent('../names.json', 'queues')

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

// The Functions host creates the API keys and keeps them in this vault. It is separate from the signing key's vault because the host must be able to write to
// it, and no identity that can write to a vault may have access to the signing key.
resource keysVault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: 'kvf-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: protectFromPurge ? true : null
  }
}

resource hostWritesKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: keysVault
  name: guid(keysVault.id, identity.principalId, roles.keyVaultSecretsOfficer)
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
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
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainerName}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 40 }
    }
    // minTlsVersion must be the only site setting: Flex Consumption rejects the whole deployment (error 51021) if it has settings of other plans, such as
    // ftpsState. The publishing policies below turn FTP off.
    siteConfig: { minTlsVersion: '1.2' }
  }
  // The Functions host writes its keys to the vault as soon as the app exists, so the role must be assigned first.
  dependsOn: [hostWritesKeys]

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      // The Functions host reads these settings.
      AzureWebJobsStorage__accountName: storage.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.clientId
      AzureWebJobsSecretStorageType: 'keyvault'
      AzureWebJobsSecretStorageKeyVaultUri: keysVault.properties.vaultUri
      AzureWebJobsSecretStorageKeyVaultClientId: identity.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
      // FinanceIngest reads these settings (docs/configuration.md). FinanceIngest__ApiKeys is deliberately absent: the Functions host checks the keys that it
      // keeps in its vault.
      AZURE_CLIENT_ID: identity.clientId
      AZURE_STORAGE_QUEUE_SERVICE_URI: storage.properties.primaryEndpoints.queue
      SQL_CONNECTION_STRING: 'Server=tcp:${databaseServer},1433;Database=${databaseName};Encrypt=Mandatory;Authentication=Active Directory Managed Identity;User ID=${identity.clientId}'
      FinanceIngest__IdSigningKey: '@Microsoft.KeyVault(SecretUri=${signingKeyUri})'
      FinanceIngest__InboundQueue: queueNames.inbound
      FinanceIngest__AlertQueue: queueNames.alerts
    }
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
output keysVaultName string = keysVault.name
