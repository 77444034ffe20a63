using System.Text;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Tests.Protocol;

/// <summary>The data of options, which may hold anything, against a second reader that has it easier: it may throw.</summary>
public class OptionDataTests
{
    private static readonly Gen<byte[]> Texts = Gen.OneOf(
        Gen.String.AlphaNumeric.Select(Encoding.UTF8.GetBytes),
        Gen.String.Select(Encoding.UTF8.GetBytes),
        Gen.Byte.Array[0, 20],
        Gen.Const("base:allocation"u8.ToArray()),
        Gen.Int[4094, 4098].Select(length => new byte[length].Select(_ => (byte)'n').ToArray()));

    private static readonly Gen<byte[]> Infos = Gen.Select(Texts, Gen.OneOf(Gen.UShort[0, 5], Gen.UShort).Array[0, 8])
        .Select((name, types) =>
        (byte[])[.. Wire.U32((uint)name.Length), .. name, .. Wire.U16(types.Length), .. types.SelectMany(type => Wire.U16(type))]);

    private static readonly Gen<byte[]> Contexts = Gen.Select(Texts, Texts.Array[0, 6]).Select((name, queries) =>
        (byte[])[.. Wire.U32((uint)name.Length), .. name, .. Wire.U32((uint)queries.Length),
            .. queries.SelectMany(query => (byte[])[.. Wire.U32((uint)query.Length), .. query])]);

    [Fact]
    public void A_name_is_read_as_by_the_second_reader() => Gen.OneOf(Texts, Gen.Byte.Array).Sample(data =>
    {
        string? expected = SecondReader.Try(reader => reader.Rest(), data);
        Assert.Equal(expected is not null, OptionData.TryParseName(data, out string name));
        Assert.Equal(expected ?? string.Empty, name.Length > 0 && expected is null ? string.Empty : name);
    }, iter: 20_000);

    [Fact]
    public void What_info_asks_for_is_read_as_by_the_second_reader() => Mutated(Infos).Sample(data =>
    {
        (string Name, List<int> Types)? expected = SecondReader.Try<(string, List<int>)?>(reader =>
        {
            string name = reader.Text();
            List<int> types = [.. Enumerable.Range(0, reader.Number(2)).Select(_ => reader.Number(2))];
            return reader.AtEnd((name, types));
        }, data);
        bool read = OptionData.TryParseInfo(data, out string name, out InfoRequests requests);
        Assert.Equal(expected is not null, read);
        if (expected is not { } told)
            return;
        Assert.Equal(told.Name, name);
        Assert.Equal(told.Types.Contains(1), requests.HasFlag(InfoRequests.Name));
        Assert.Equal(told.Types.Contains(2), requests.HasFlag(InfoRequests.Description));
        Assert.Equal(told.Types.Contains(3), requests.HasFlag(InfoRequests.BlockSize));
    }, iter: 50_000);

    [Fact]
    public void Queries_for_contexts_are_read_as_by_the_second_reader() => Mutated(Contexts).Sample(data =>
    {
        (string Name, List<string> Queries)? expected = SecondReader.Try<(string, List<string>)?>(reader =>
        {
            string name = reader.Text();
            int count = reader.Number(4);
            List<string> queries = [];
            for (int i = 0; i < count; i++)
                queries.Add(reader.Text());
            return reader.AtEnd((name, queries));
        }, data);
        bool read = OptionData.TryParseContexts(data, out string name, out List<string> queries);
        Assert.Equal(expected is not null, read);
        if (expected is not { } told)
            return;
        Assert.Equal(told.Name, name);
        Assert.Equal(told.Queries, queries);
    }, iter: 50_000);

    /// <summary>Data as it should be, with bytes changed, cut off, added and doubled, or none of that.</summary>
    private static Gen<byte[]> Mutated(Gen<byte[]> valid) =>
        Gen.Select(valid, Gen.Int[0, 5], Gen.Int[0, int.MaxValue], Gen.Byte).Select((data, how, where, value) =>
    {
        int at = data.Length == 0 ? 0 : where % data.Length;
        switch (how)
        {
            case 1 when data.Length > 0:
                data[at] = value;
                return data;
            case 2:
                return data[..at];
            case 3:
                return [.. data, value];
            case 4:
                return [.. data[..at], value, .. data[at..]];
            case 5:
                return [.. data, .. data];
            default:
                return data;
        }
    });

    private sealed class SecondReader(byte[] data)
    {
        private int _at;

        public static T? Try<T>(Func<SecondReader, T> read, byte[] data)
        {
            try
            {
                return read(new SecondReader(data));
            }
            catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidDataException)
            {
                return default;
            }
        }

        public int Number(int bytes)
        {
            uint number = 0;
            for (int i = 0; i < bytes; i++)
                number = number << 8 | data[_at++];
            return checked((int)number);
        }

        public string Text() => Decode(Number(4));

        public string Rest() => Decode(data.Length);

        public T AtEnd<T>(T value) => _at == data.Length ? value : throw new InvalidDataException();

        private string Decode(int length)
        {
            if (length > 4096)
                throw new InvalidDataException();
            byte[] bytes = [.. Enumerable.Range(_at, length).Select(i => data[i])];
            _at += length;
            string text = Encoding.UTF8.GetString(bytes);
            // What was no text is not the same when it is encoded again.
            return Encoding.UTF8.GetBytes(text).SequenceEqual(bytes) && !bytes.Contains((byte)0) ? text : throw new InvalidDataException();
        }
    }
}
