using System.Globalization;
using PageFold.Cli.Interop;
using Spectre.Console;

namespace PageFold.Cli;

/// <summary>Sets up standard output and standard error, in the characters that the locale allows.</summary>
/// <remarks>
/// If standard output is closed from the beginning, or its disk is full, the command fails. A reader that goes away ends it quietly
/// (<see cref="OutputClosedException"/>). Failures of standard error are ignored, because it only shows progress.
/// </remarks>
internal static class Terminal
{
    private const int BufferSize = 4096;

    /// <summary>True if only ASCII may be shown: the locale is C or POSIX, or none is set.</summary>
    public static bool IsAscii { get; private set; }

    /// <summary>The sign before half of the distance between two extremes.</summary>
    public static string PlusMinus => IsAscii ? "+-" : "±";

    public static void SetUp()
    {
        IsAscii = !OperatingSystem.IsWindows() && IsAsciiLocale(Environment.GetEnvironmentVariable);
#pragma warning disable CA2000 // they are needed until the process ends
        if (OperatingSystem.IsLinux())
        {
            StandardStream.FillClosed();
            Console.SetOut(Writer(new StandardStream(1)));
            Console.SetError(Writer(new LenientStream(new StandardStream(2))));
        }
        else if (IsAscii)
        {
            Console.SetOut(Writer(Console.OpenStandardOutput()));
            Console.SetError(Writer(Console.OpenStandardError()));
        }
#pragma warning restore CA2000
        if (IsAscii)
            AnsiConsole.Profile.Capabilities.Unicode = false;
        // A pipe has no width. Use the width that the caller states.
        if (Console.IsOutputRedirected
            && int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), CultureInfo.InvariantCulture, out int columns) && columns > 0)
            AnsiConsole.Profile.Width = columns;
    }

    /// <summary>True if the locale is ASCII: the first of LC_ALL, LC_CTYPE and LANG that is set decides, as in the C library.</summary>
    public static bool IsAsciiLocale(Func<string, string?> variable)
    {
        string? locale = ((string[])["LC_ALL", "LC_CTYPE", "LANG"]).Select(variable).FirstOrDefault(value => !string.IsNullOrEmpty(value));
        return locale is null or "C" or "POSIX";
    }

    private static StreamWriter Writer(Stream stream) => new(stream, IsAscii ? AsciiFallback.Encoding : Console.OutputEncoding, BufferSize)
    {
        AutoFlush = true,
    };

    /// <summary>A stream whose failures are ignored.</summary>
    private sealed class LenientStream(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => inner.Position = value;
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                inner.Write(buffer);
            }
            catch (Exception e) when (e is IOException or OutputClosedException)
            {
                // There is no reader any more. The work continues.
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);
    }
}
