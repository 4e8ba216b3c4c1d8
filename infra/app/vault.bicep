// This vault holds the installation's secret: the key that signs transaction ids. The programs can read it and can't change it.
param location string
param tags object
@minLength(13)
param token string
param readerPrincipalIds string[]
param administratorId string
param administratorType string
param privateNetwork bool
param protectFromPurge bool
param logAnalyticsWorkspaceId string

@secure()
@description('The signing key. Only the first deployment stores it; later deployments leave the stored key unchanged.')
param newSigningKey string = '${newGuid()}${newGuid()}'

var roles = loadJsonContent('roles.json')

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    // ARM accepts true or no value here; false is an error.
    enablePurgeProtection: protectFromPurge ? true : null
  }
}

// The signing key must stay the same for the life of the installation: with another key, repeats are not recognised and workers refuse to start. No deployment
// overwrites it, and the administrator must back it up.
@onlyIfNotExists()
resource signingKey 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'id-signing-key'
  properties: {
    contentType: 'FinanceIngest__IdSigningKey'
    value: newSigningKey
  }
}

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in readerPrincipalIds: {
    scope: vault
    name: guid(vault.id, principalId, roles.keyVaultSecretsUser)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
    }
  }
]

// The audit log records which identity read the signing key, and when.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

// The administrator's tools sign ids too, and the administrator must be able to back the key up.
resource administrator 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, administratorId, roles.keyVaultSecretsUser)
  properties: {
    principalId: administratorId
    principalType: administratorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

output id string = vault.id
output uri string = vault.properties.vaultUri

// The URI has no version, so that the programs also find a secret that was restored from a backup.
output signingKeyUri string = '${vault.properties.vaultUri}secrets/${signingKey.name}'
output name string = vault.name
