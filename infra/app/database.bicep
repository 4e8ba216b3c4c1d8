// Azure SQL, serverless: pauses when nobody needs it. Entra identities only, no passwords.
param location string
param tags object
@minLength(13)
param token string
param administratorId string
param administratorName string
param administratorType string
param freeLimit bool
param freeLimitExhausted string
param maxVcores int

// The least that an awake database can have: half a vCore, and an eighth of the most from 6 on (Azure refuses less).
var minCapacity = maxVcores <= 4 ? '0.5' : '${maxVcores / 8}.${padLeft(maxVcores % 8 * 125, 3, '0')}'

resource sqlServer 'Microsoft.Sql/servers@2023-08-01' = {
  name: 'sql-${token}'
  location: location
  tags: tags
  properties: {
    minimalTlsVersion: '1.2'
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

// Flex Consumption and Container Apps without a network of their own come from addresses that nobody knows beforehand. What keeps others out is that only Entra identities
// with a database user get in. docs/azure.md says what a private network takes.
resource azureServices 'Microsoft.Sql/servers/firewallRules@2023-08-01' = {
  parent: sqlServer
  name: 'AllowAllWindowsAzureIps'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
}

resource database 'Microsoft.Sql/servers/databases@2023-08-01' = {
  parent: sqlServer
  name: 'finance-ingest'
  location: location
  tags: tags
  sku: { name: 'GP_S_Gen5', tier: 'GeneralPurpose', family: 'Gen5', capacity: maxVcores }
  properties: {
    // The least that there is: the minutes awake after each burst are most of the bill (docs/azure.md).
    autoPauseDelay: 15
    minCapacity: json(minCapacity)
    maxSizeBytes: 34359738368
    requestedBackupStorageRedundancy: 'Local'
    useFreeLimit: freeLimit
    freeLimitExhaustionBehavior: freeLimit ? freeLimitExhausted : null
  }
}

output server string = sqlServer.properties.fullyQualifiedDomainName
output serverId string = sqlServer.id
output name string = database.name
