// This module deploys the vault in which the Functions host keeps the API keys.
param location string
param tags object
@minLength(13)
param token string
param intakePrincipalId string
param privateNetwork bool
param protectFromPurge bool

var roles = loadJsonContent('roles.json')

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
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    enablePurgeProtection: protectFromPurge ? true : null
  }
}

resource hostWritesKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: keysVault
  name: guid(keysVault.id, intakePrincipalId, roles.keyVaultSecretsOfficer)
  properties: {
    principalId: intakePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}

output id string = keysVault.id
output name string = keysVault.name
output uri string = keysVault.properties.vaultUri
