// Private endpoints of everything that the programs keep data or secrets in, and the names under which the virtual network finds them.
param location string
param tags object
@minLength(13)
param token string
param networkId string
param subnetId string
param storageAccountId string
param databaseServerId string
param vaultId string
param keysVaultId string

// https://learn.microsoft.com/azure/private-link/private-endpoint-dns has the names of the zones.
var storageSuffix = environment().suffixes.storage
var zoneNames = [
  'privatelink.blob.${storageSuffix}'
  'privatelink.queue.${storageSuffix}'
  'privatelink${environment().suffixes.sqlServerHostname}'
  'privatelink.vaultcore.azure.net'
]
// There is no vault of keys where the Functions host keeps its keys in the storage account.
var keysTarget = empty(keysVaultId) ? [] : [{ name: 'keys', id: keysVaultId, part: 'vault', zone: 3 }]
var targets = concat([
  { name: 'blob', id: storageAccountId, part: 'blob', zone: 0 }
  { name: 'queue', id: storageAccountId, part: 'queue', zone: 1 }
  { name: 'sql', id: databaseServerId, part: 'sqlServer', zone: 2 }
  { name: 'vault', id: vaultId, part: 'vault', zone: 3 }
], keysTarget)

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zoneNames: {
    name: zoneName
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zoneName, i) in zoneNames: {
    parent: zones[i]
    name: 'vnet-${token}'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for target in targets: {
    name: 'pe-${target.name}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: {
            // Each id is one of this module's parameters, which the rule does not see through the list.
            #disable-next-line use-resource-id-functions
            privateLinkServiceId: target.id
            groupIds: [target.part]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (target, i) in targets: {
    parent: endpoints[i]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: target.name, properties: { privateDnsZoneId: zones[target.zone].id } }] }
  }
]
