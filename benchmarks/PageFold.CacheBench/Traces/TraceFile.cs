using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;
using PageFold.Cli;

namespace PageFold.CacheBench.Traces;

/// <summary>A trace in a file, plain, compressed by gzip (.gz) or by xz (.xz), as <c>--trace FILE:FORMAT</c> names it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">What it holds after decompression.</param>
internal sealed record TraceFile(string Path, TraceFormat Format)
{
    private const string XzProgram = "xz";

    /// <summary>Parses FILE:FORMAT; the name of the file may have colons in it.</summary>
    public static TraceFile Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string name = colon < 0 ? string.Empty : text[(colon + 1)..];
        if (colon < 1 || !TraceFormats.TryParse(name, out TraceFormat format))
        {
            throw new UserErrorException(
                $"--trace {Arguments.Shown(text)} does not end with a format; write FILE:FORMAT, with {TraceFormats.Names} as FORMAT.");
        }
        string path = text[..colon];
        if (Directory.Exists(path))
            throw new UserErrorException($"--trace {text}: '{path}' is a folder; name a file in it.");
        return File.Exists(path) ? new TraceFile(path, format)
            : throw new UserErrorException($"--trace {text}: there is no file '{path}'; name one that exists.");
    }

    /// <summary>Reads all requests.</summary>
    public Trace Read(CancellationToken cancellation)
    {
        try
        {
            return ReadBuilder(cancellation).Build(System.IO.Path.GetFileName(Path));
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException($"'{Path}' is damaged or not compressed by gzip ({e.Message.TrimEnd('.')}); get it again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{Path}' cannot be read ({e.Message.TrimEnd('.')}); choose another file for --trace.", e);
        }
    }

    private TraceBuilder ReadBuilder(CancellationToken cancellation)
    {
        if (Path.EndsWith(".xz", StringComparison.OrdinalIgnoreCase))
            return ReadXz(cancellation);
        using FileStream file = File.OpenRead(Path);
        if (!Path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            return TraceReader.Read(file, Format, Path, cancellation);
        using GZipStream decompressed = new(file, CompressionMode.Decompress);
        return TraceReader.Read(decompressed, Format, Path, cancellation);
    }

    private TraceBuilder ReadXz(CancellationToken cancellation)
    {
        using Process xz = StartXz();
        try
        {
            Task<string> complaint = xz.StandardError.ReadToEndAsync(cancellation);
            TraceBuilder? requests = null;
            UserErrorException? wrong = null;
            try
            {
                requests = TraceReader.Read(xz.StandardOutput.BaseStream, Format, Path, cancellation);
            }
            catch (UserErrorException e)
            {
                // A damaged file ends early, which is the reason to tell.
                wrong = e;
                xz.StandardOutput.BaseStream.CopyTo(Stream.Null);
            }
            xz.WaitForExit();
            if (xz.ExitCode != 0)
                throw new UserErrorException($"'{Path}' cannot be decompressed ({complaint.Result.ReplaceLineEndings(" ").Trim()}).");
            return requests ?? throw wrong!;
        }
        finally
        {
            if (!xz.HasExited)
                xz.Kill();
        }
    }

    private Process StartXz()
    {
        ProcessStartInfo start = new(XzProgram, ["--decompress", "--stdout", "--", Path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new UserErrorException(
                $"'{Path}' is read through the program '{XzProgram}', which cannot be started; install it (package xz-utils of Debian and "
                    + "Ubuntu, xz of others), or decompress the file and name the result.", e);
        }
    }
}
