// The database is serverless Azure SQL, which pauses when it is idle. It accepts Entra identities only and has no passwords.
param location string
param tags object
@minLength(13)
param token string
param name string
param administratorId string
param administratorName string
param administratorType string
param privateNetwork bool
param freeLimit bool
param freeLimitExhausted string
param backupRedundancy string
param maxVcores int

// The smallest minimum that Azure SQL accepts for a serverless database: 0.5 vCores up to a maximum of 4 vCores, and an eighth of the maximum from 6 vCores on.
var minCapacity = maxVcores <= 4 ? '0.5' : '${maxVcores / 8}.${padLeft(maxVcores % 8 * 125, 3, '0')}'

resource sqlServer 'Microsoft.Sql/servers@2023-08-01' = {
  name: 'sql-${token}'
  location: location
  tags: tags
  properties: {
    minimalTlsVersion: '1.2'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      login: administratorName
      principalType: administratorType == 'ServicePrincipal' ? 'Application' : administratorType
      sid: administratorId
      tenantId: tenant().tenantId
    }
  }
}

// Without a virtual network, Flex Consumption and Container Apps connect from addresses that can't be known in advance, so the firewall admits all Azure
// services. Access is restricted by identity: only Entra identities with a database user can sign in.
resource azureServices 'Microsoft.Sql/servers/firewallRules@2023-08-01' = if (!privateNetwork) {
  parent: sqlServer
  name: 'AllowAllWindowsAzureIps'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
}

resource database 'Microsoft.Sql/servers/databases@2023-08-01' = {
  parent: sqlServer
  name: name
  location: location
  tags: tags
  sku: { name: 'GP_S_Gen5', tier: 'GeneralPurpose', family: 'Gen5', capacity: maxVcores }
  properties: {
    // 15 minutes is the shortest delay that Azure SQL accepts. The time awake after each burst is most of the bill (docs/azure.md).
    autoPauseDelay: 15
    minCapacity: json(minCapacity)
    maxSizeBytes: 34359738368
    requestedBackupStorageRedundancy: backupRedundancy
    useFreeLimit: freeLimit
    freeLimitExhaustionBehavior: freeLimit ? freeLimitExhausted : null
  }
}

output server string = sqlServer.properties.fullyQualifiedDomainName
output serverId string = sqlServer.id
output name string = database.name
output id string = database.id
