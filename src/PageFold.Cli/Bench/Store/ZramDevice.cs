using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Store;

/// <summary>A zram device that is made with the kernel's control file and removed by <see cref="Dispose"/>.</summary>
/// <remarks>It is opened so that reads and writes bypass the page cache.</remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class ZramDevice : IDisposable
{
    private const string Control = "/sys/class/zram-control";

    // In addition to its pool the driver keeps 16 bytes for each page of the disk, and the allocator a cell of 8 for each object.
    private const int BytesPerPage = 16;
    private const int BytesPerCell = 8;
    private const int KernelPage = 4096;

    private readonly int _number;
    private readonly long _bytes;
    private int _descriptor = -1;

    private ZramDevice(int number, long bytes)
    {
        _number = number;
        _bytes = bytes;
    }

    private string Folder => $"/sys/block/zram{_number}";

    private IReadOnlyList<string> Algorithms =>
        File.ReadAllText($"{Folder}/comp_algorithm").Split([' ', '\n', '[', ']'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The reason why no device can be made here; null if one can.</summary>
    public static string? WhyNot()
    {
        if (!Directory.Exists(Control))
            return "this kernel has no zram driver";
        return Environment.IsPrivilegedProcess ? null : "a zram device is made as root only";
    }

    /// <summary>
    /// The algorithms that the kernel offers; throws <see cref="ZramUnavailableException"/> with the reason if it refuses to make a device.
    /// </summary>
    public static IReadOnlyList<string> Offered()
    {
        ZramDevice? device = null;
        try
        {
            device = Add(bytes: 0);
            return device.Algorithms;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw Refused(e);
        }
        finally
        {
            device?.Dispose();
        }
    }

    /// <summary>Makes a device; throws <see cref="ZramUnavailableException"/> with the reason if the kernel refuses.</summary>
    public static ZramDevice Create(string algorithm, long bytes)
    {
        ZramDevice? device = null;
        try
        {
            device = Add(bytes);
            IReadOnlyList<string> known = device.Algorithms;
            if (!known.Contains(algorithm))
                throw new ZramUnavailableException($"this kernel's zram does not offer {algorithm}, only {string.Join(", ", known)}");
            File.WriteAllText($"{device.Folder}/comp_algorithm", algorithm);
            File.WriteAllText($"{device.Folder}/disksize", bytes.ToString(CultureInfo.InvariantCulture));
            device._descriptor = LibC.open($"/dev/zram{device._number}", LibC.O_RDWR | LibC.O_CLOEXEC | LibC.O_DIRECT);
            if (device._descriptor < 0)
                throw new ZramUnavailableException($"/dev/zram{device._number} cannot be opened ({Marshal.GetLastPInvokeErrorMessage()})");
            return device;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            device?.Dispose();
            throw Refused(e);
        }
        catch (ZramUnavailableException)
        {
            device?.Dispose();
            throw;
        }
    }

    private static ZramDevice Add(long bytes) =>
        new(int.Parse(File.ReadAllText($"{Control}/hot_add").Trim(), CultureInfo.InvariantCulture), bytes);

    private static ZramUnavailableException Refused(Exception e) =>
        new($"the kernel makes no zram device ({e.Message.TrimEnd('.')})", e);

    /// <summary>The total size of the compressed pages, and the bytes that the kernel holds for them, tables included.</summary>
    public (long Compressed, long Total) Memory
    {
        get
        {
            string[] texts = File.ReadAllText($"{Folder}/mm_stat").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            long[] figures = [.. texts.Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
            (long original, long compressed, long pool, long sameFilled) = (figures[0], figures[1], figures[2], figures[5]);
            return (compressed, pool + _bytes / KernelPage * BytesPerPage + (original / KernelPage - sameFilled) * BytesPerCell);
        }
    }

    public void Write(ReadOnlySpan<byte> page, long offset)
    {
        fixed (byte* bytes = page)
        {
            if (LibC.pwrite(_descriptor, bytes, (nuint)page.Length, offset) != page.Length)
                throw new IOException($"zram{_number} does not take the page at {offset} ({Marshal.GetLastPInvokeErrorMessage()}).");
        }
    }

    public void Read(Span<byte> page, long offset)
    {
        fixed (byte* bytes = page)
        {
            if (LibC.pread(_descriptor, bytes, (nuint)page.Length, offset) != page.Length)
                throw new IOException($"zram{_number} does not give the page at {offset} ({Marshal.GetLastPInvokeErrorMessage()}).");
        }
    }

    /// <summary>Removes the device.</summary>
    public void Dispose()
    {
        if (_descriptor >= 0)
            _ = LibC.close(_descriptor);
        _descriptor = -1;
        // A device that was never set up has nothing to reset. Another program may examine a new device for a moment, so try again.
        for (int attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                File.WriteAllText($"{Folder}/reset", "1");
                File.WriteAllText($"{Control}/hot_remove", _number.ToString(CultureInfo.InvariantCulture));
                return;
            }
            catch (IOException)
            {
                Thread.Sleep(50);
            }
        }
        Console.Error.WriteLine(
            $"pagefold: zram{_number} is in use by another program and was left; remove it with "
                + $"'echo 1 > {Folder}/reset; echo {_number} > {Control}/hot_remove'.");
    }
}

/// <summary>There is no zram device to compare with; the message has the reason.</summary>
internal sealed class ZramUnavailableException : Exception
{
    public ZramUnavailableException(string message)
        : base(message)
    {
    }

    public ZramUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public ZramUnavailableException()
    {
    }
}
