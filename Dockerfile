# This file builds three images from one restore and one copy of the source: docker build --target intake|worker|cli .
#
# The base image is chiseled: it has no shell and no package manager. Its variant "extra" has ICU, which SQL Server's client needs.
# The programs are compiled ReadyToRun and not trimmed; docs/containers.md has the measurements and the reasons.
# Each base image is named by its digest, so that every build has the same one; the tag beside it says which one that was. Dependabot renews both. A digest of a
# registry can only be content of that registry: a wrong one does not pull.
# The file must build without BuildKit, because azd's remote builds have none.

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble@sha256:e70cdb7f80b0348f5cb85f19a8f670fca061f033d57eed12fa003d58b0e06317 AS restore
WORKDIR /source
# Restore reads these files and no others, so this layer stays cached until a package or a reference changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/Shared/Shared.csproj src/Shared/packages.lock.json src/Shared/
COPY src/KestrelHead/KestrelHead.csproj src/KestrelHead/packages.lock.json src/KestrelHead/
COPY src/IngestServer/IngestServer.csproj src/IngestServer/packages.lock.json src/IngestServer/
COPY src/ScoringWorker/ScoringWorker.csproj src/ScoringWorker/packages.lock.json src/ScoringWorker/
COPY src/Cli/Cli.csproj src/Cli/packages.lock.json src/Cli/
RUN for project in IngestServer ScoringWorker Cli; do \
      dotnet restore src/$project --use-current-runtime -p:PublishReadyToRun=true -p:RestoreLockedMode=true || exit 1; \
    done

FROM restore AS source
COPY .editorconfig ./
COPY docs/operations.md docs/
COPY src/ src/

FROM source AS publish-cli
RUN dotnet publish src/Cli -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM source AS publish-intake
RUN dotnet publish src/IngestServer -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM source AS publish-worker
RUN dotnet publish src/ScoringWorker -c Release --use-current-runtime --no-restore --self-contained false -p:PublishReadyToRun=true -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra@sha256:00e0ad6a7ef8c0c1391b87f05c7ac757a15740455688f2bfcd146a3f4b987efd AS base
WORKDIR /app
# The user is a number, so that Kubernetes can tell that it is not root. The root file system may be read-only: the programs write only the runtime's
# diagnostics socket, which is in /tmp.
USER 1654

FROM base AS cli
COPY --from=publish-cli /app ./
ENTRYPOINT ["dotnet", "/app/finance-ingest.dll"]

# IngestServer has three roles: intake, scorer and dispatcher. The worker image has the latter two, so this image takes the role intake only, unless a setting
# overrides it.
FROM base AS intake
ENV ASPNETCORE_URLS=http://*:7071 FinanceIngest__Roles=intake
EXPOSE 7071
COPY --from=publish-intake /app ./
ENTRYPOINT ["dotnet", "/app/IngestServer.dll"]

# This stage must stay last: azd builds the image remotely, where no target can be named.
FROM base AS worker
ENV ASPNETCORE_URLS=http://*:7072
EXPOSE 7072
COPY --from=publish-worker /app ./
ENTRYPOINT ["dotnet", "/app/ScoringWorker.dll"]
