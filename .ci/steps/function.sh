# builds the function app
check "the function app builds" dotnet build src/IngestFunction --verbosity quiet
