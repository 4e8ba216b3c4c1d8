using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Ground;

namespace FinanceIngest.Backup;

/// <summary>
/// The file of a backup: a tar archive, which any tar unpacks, of <c>manifest.json</c>, the installation's files, and last <c>sha256</c>, the digest of every
/// byte before it. What stands at its end follows from that digest, so that no byte of the file can change or be missing unnoticed.
/// </summary>
internal static class BackupArchive
{
    private const string ManifestName = "manifest.json";
    private const string DigestName = "sha256";
    private const int BufferSize = 1024 * 1024;
    private const int LongestManifest = 1024 * 1024;

    /// <summary>Writes an archive to a new private file and makes it durable.</summary>
    /// <param name="path">A file that does not exist.</param>
    /// <param name="manifest">The manifest; its names are those of files in <paramref name="folder"/>.</param>
    /// <param name="folder">Where the files are.</param>
    /// <param name="cancellationToken">Abandons the writing.</param>
    public static async Task WriteAsync(string path, BackupManifest manifest, string folder, CancellationToken cancellationToken)
    {
        await using FileStream file = PrivateFiles.CreateNew(path);
        await using var hashing = new HashingStream(file);
        await using (var tar = new TarWriter(hashing, TarEntryFormat.Pax, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, ManifestName)
            {
                Mode = PrivateFiles.FileMode,
                ModificationTime = manifest.CreatedAt,
                DataStream = new MemoryStream(manifest.ToJson()),
            }, cancellationToken);
            foreach (BackupEntry entry in manifest.Files)
            {
                await using FileStream data = File.OpenRead(Path.Combine(folder, entry.Name));
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, entry.Name)
                {
                    Mode = PrivateFiles.FileMode,
                    ModificationTime = manifest.CreatedAt,
                    DataStream = data,
                }, cancellationToken);
            }

            await tar.WriteEntryAsync(DigestEntry(hashing.Digest()), cancellationToken);
        }

        await file.FlushAsync(cancellationToken);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Opens an archive whose every byte is as it was written.</summary>
    /// <exception cref="BackupException">The file can't be read, is no backup, is damaged or cut short, or was made by a later program.</exception>
    public static async Task<BackupManifest> VerifyAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using FileStream file = Open(path);
            long end = file.Length - Trailer([]).Length;
            if (!await BeginsAsBackupAsync(file, cancellationToken))
            {
                throw new BackupException($"{path} is no backup of this program.");
            }

            file.Position = 0;
            byte[] digest = end < 0 ? [] : await DigestAsync(file, end, cancellationToken);
            byte[] trailer = new byte[Math.Max(0, file.Length - file.Position)];
            await file.ReadExactlyAsync(trailer, cancellationToken);
            if (end < 0 || !trailer.AsSpan().SequenceEqual(Trailer(digest)))
            {
                throw new BackupException($"{path} is damaged or cut short: it does not have the digest with which it was written.");
            }

            file.Position = 0;
            await using var tar = new TarReader(file);
            return BackupManifest.Parse(await ReadManifestAsync(tar, cancellationToken) ?? throw new FormatException("it has no manifest."));
        }
        catch (FormatException e)
        {
            throw new BackupException($"{path} can't be restored: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException($"{path} can't be read: {e.Message}", e);
        }
    }

    /// <summary>Unpacks an archive that was verified into private files, and makes them durable.</summary>
    /// <exception cref="BackupException">The archive has changed since.</exception>
    public static async Task UnpackAsync(string path, BackupManifest manifest, string folder, CancellationToken cancellationToken)
    {
        await using FileStream file = Open(path);
        await using var tar = new TarReader(file);
        await ReadManifestAsync(tar, cancellationToken);
        foreach (BackupEntry entry in manifest.Files)
        {
            TarEntry? next = await tar.GetNextEntryAsync(copyData: false, cancellationToken);
            if (next is not { EntryType: TarEntryType.RegularFile } || next.Name != entry.Name || next.Length != entry.Bytes)
            {
                throw new BackupException($"{path} does not hold what its manifest lists.");
            }

            await using FileStream target = PrivateFiles.CreateNew(Path.Combine(folder, entry.Name));
            await using (var hashing = new HashingStream(target))
            {
                if (next.DataStream is { } data)
                {
                    await data.CopyToAsync(hashing, BufferSize, cancellationToken);
                }

                if (Convert.ToHexStringLower(hashing.Digest()) != entry.Sha256)
                {
                    throw new BackupException($"{path}: {entry.Name} is not as its manifest says.");
                }
            }

            target.Flush(flushToDisk: true);
        }
    }

    /// <summary>The length and the SHA-256 of a file.</summary>
    public static async Task<BackupEntry> DescribeAsync(string folder, string name, CancellationToken cancellationToken)
    {
        await using FileStream file = File.OpenRead(Path.Combine(folder, name));
        return new BackupEntry(name, file.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)));
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize, FileOptions.SequentialScan);

    // A tar archive of this program begins with the extended header of its manifest, or with the manifest itself.
    private static async Task<bool> BeginsAsBackupAsync(FileStream file, CancellationToken cancellationToken)
    {
        byte[] head = new byte[2048];
        int read = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        return head.AsSpan(0, read).IndexOf(Encoding.ASCII.GetBytes(ManifestName)) >= 0;
    }

    private static async Task<byte[]?> ReadManifestAsync(TarReader tar, CancellationToken cancellationToken)
    {
        TarEntry? entry = await tar.GetNextEntryAsync(copyData: true, cancellationToken);
        if (entry?.Name != ManifestName || entry.DataStream is null || entry.Length > LongestManifest)
        {
            return null;
        }

        byte[] text = new byte[entry.Length];
        await entry.DataStream.ReadExactlyAsync(text, cancellationToken);
        return text;
    }

    private static async Task<byte[]> DigestAsync(FileStream file, long length, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferSize];
        for (long left = length; left > 0;)
        {
            int read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken);
            if (read == 0)
            {
                break;
            }

            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        return hash.GetHashAndReset();
    }

    private static UstarTarEntry DigestEntry(byte[] digest) => new(TarEntryType.RegularFile, DigestName)
    {
        Mode = PrivateFiles.FileMode,
        ModificationTime = DateTimeOffset.UnixEpoch,
        DataStream = new MemoryStream(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest).PadRight(64, '0') + "\n")),
    };

    private static byte[] Trailer(byte[] digest)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            tar.WriteEntry(DigestEntry(digest));
        }

        return stream.ToArray();
    }

    /// <summary>Hashes what is written through it.</summary>
    private sealed class HashingStream(Stream inner) : Stream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>The SHA-256 of everything so far.</summary>
        public byte[] Digest() => _hash.GetCurrentHash();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            _hash.AppendData(buffer);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            _hash.AppendData(buffer.Span);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _hash.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
